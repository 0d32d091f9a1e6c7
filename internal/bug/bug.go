// Package bug makes an error of a panic, without what a panic may quote: key
// material. Its value is not kept, nor are the arguments that a traceback of Go
// prints, where an array that was passed by value stands byte by byte.
package bug

import (
	"fmt"
	"runtime"
)

// A Panic is a bug that showed as a panic.
type Panic struct {
	Kind  string   // the type of its value
	Stack []string // function, file and line, innermost first
}

func (p *Panic) Error() string { return "a bug in rotate, please report it: a panic of type " + p.Kind }

// Catch is deferred by what must not end the process, and by everything that
// runs in a goroutine of its own. It leaves a panic in err.
func Catch(err *error) {
	if v := recover(); v != nil {
		*err = Of(v)
	}
}

// Of is the panic whose value v was recovered by the function that calls Of.
func Of(v any) *Panic {
	// guard 7: a panic is told by its type
	p := &Panic{Kind: fmt.Sprintf("%T", v)}
	pcs := make([]uintptr, 64)
	for frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)]); ; {
		f, more := frames.Next()
		p.Stack = append(p.Stack, fmt.Sprintf("%s %s:%d", f.Function, f.File, f.Line))
		if !more {
			return p
		}
	}
}
