// Package bug makes an error of a panic. It holds neither the value of the
// panic, which could be or quote key material, nor the arguments that a Go
// traceback prints: an array passed by value stands there byte by byte.
package bug

import (
	"fmt"
	"runtime"
)

// A Panic is a bug that showed as one.
type Panic struct {
	Kind  string   // the type of the value
	Stack []string // function, file and line of each frame, innermost first
}

func (p *Panic) Error() string {
	return "a bug in rotate, please report it: a panic of type " + p.Kind
}

// Of is what a deferred function makes of the value that it has recovered
// itself: the frames begin where the panic happened.
func Of(v any) *Panic {
	p := &Panic{Kind: fmt.Sprintf("%T", v)}
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)]) // less Callers, Of and the deferred function
	for {
		f, more := frames.Next()
		p.Stack = append(p.Stack, fmt.Sprintf("%s %s:%d", f.Function, f.File, f.Line))
		if !more {
			return p
		}
	}
}
