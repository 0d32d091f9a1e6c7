package gitscan

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/keyrotate/rotate/internal/git"
	"github.com/keyrotate/rotate/internal/traces"
)

// A Report is what stands in a repository and its submodules.
type Report struct {
	Repositories []Repository
	Found        []Found
	Pointers     []Pointer // to files of LFS, which are elsewhere and were not read
	MorePointers int       // beyond those listed
	Absent       []string  // submodules that were never fetched
}

// Found is an object that holds a key.
type Found struct {
	Repository string // name of the submodule; "" for the repository itself
	Object     string // its id
	Kind       string // blob, tree, commit or tag
	traces.Hit
	Places []Place // where the object is known from; none if nothing refers to it
	More   int     // places beyond those listed
}

// A Pointer is a blob that stands for a file of Git LFS.
type Pointer struct {
	Repository, Object string
	Path               string // one of its paths; "" if it is unknown
}

const (
	maxPlaces   = 8       // that are listed of one object
	maxPointers = 200     // that are listed
	chunk       = 8 << 20 // bytes that are looked at as one; larger blobs are read in parts
	overlap     = 1 << 16 // of two parts
)

// Scan reads every object of the repository that root lies in, once. progress, which
// may be nil, is told now and then how far it is.
func Scan(ctx context.Context, root string, f *traces.Finder, progress func(done, all int)) (Report, error) {
	var r Report
	var err error
	if r.Repositories, r.Absent, err = repositories(ctx, root); err != nil {
		return r, err
	}
	all, before := 0, 0
	for i := range r.Repositories {
		all += r.Repositories[i].count(ctx)
	}
	for i := range r.Repositories {
		repo := &r.Repositories[i]
		p := pass{repo: repo, finder: f, tips: map[string]bool{}, seen: map[once]bool{}, lines: map[once]int{}}
		if progress != nil {
			p.tell = func(n int) { progress(before+n, max(all, before+n)) }
		}
		if err := p.read(ctx); err != nil {
			return r, repo.failed("its objects cannot be read", err)
		}
		before += repo.Objects
		if err := p.locate(ctx, root); err != nil {
			return r, repo.failed("its history cannot be read", err)
		}
		r.Found = append(r.Found, p.found...)
		listed := min(len(p.pointers), maxPointers-len(r.Pointers))
		r.Pointers, r.MorePointers = append(r.Pointers, p.pointers[:listed]...), r.MorePointers+len(p.pointers)-listed
	}
	return r, nil
}

// A pass is one reading of a repository.
type pass struct {
	repo   *Repository
	finder *traces.Finder
	tell   func(int)

	mu       sync.Mutex
	found    []Found
	seen     map[once]bool
	lines    map[once]int // of an object and a key, with no Hit but its Key
	pointers []Pointer
	tips     map[string]bool // commits by id, true while no other commit has it as a parent
}

// maxLines is how many lines of one object are told for each key: it is burnt by one.
const maxLines = 100

// A once is a hit in an object.
type once struct {
	object string
	hit    traces.Hit
}

// An object is one that was read, or a part of it.
type object struct {
	id, kind string
	line     int // how many lines of it came before
	data     *[]byte
}

// read lets git print all objects and looks at each. Objects that nothing refers to are
// printed as well; --unordered takes those of a pack as they lie in it.
func (p *pass) read(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cmd, err := git.Command(ctx, p.repo.Dir, p.repo.args("cat-file", "--batch", "--batch-all-objects", "--unordered", "--buffer")...)
	if err != nil {
		return err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	objects := make(chan object, 64)
	buffers := sync.Pool{New: func() any { return new([]byte) }}
	var workers sync.WaitGroup
	for range max(1, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for o := range objects {
				p.look(o)
				clear(*o.data)
				buffers.Put(o.data)
			}
		})
	}
	err = p.parse(bufio.NewReaderSize(out, 1<<20), objects, &buffers)
	close(objects)
	workers.Wait()
	if err != nil {
		stop() // git would wait for a reader
	}
	if ended := git.Said(cmd.Wait(), stderr.Bytes()); err == nil || ended != nil && ctx.Err() == nil {
		err = ended
	}
	return err
}

// parse takes what cat-file prints apart: a line "ID KIND SIZE", the bytes, a newline.
func (p *pass) parse(in *bufio.Reader, objects chan<- object, buffers *sync.Pool) error {
	for {
		head, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) && head == "" {
			return nil
		} else if err != nil {
			return err
		}
		words := strings.Fields(head)
		size := -1
		if len(words) == 3 {
			size, _ = strconv.Atoi(words[2])
		}
		if size < 0 {
			return fmt.Errorf("git printed no object but %q", strings.TrimSpace(head))
		}
		if err := p.split(in, object{id: words[0], kind: words[1]}, size, objects, buffers); err != nil {
			return err
		}
		if _, err := in.Discard(1); err != nil {
			return err
		}
		if p.repo.Objects++; p.tell != nil && p.repo.Objects%1000 == 0 {
			p.tell(p.repo.Objects)
		}
	}
}

// split reads the bytes of one object, a large one in parts that overlap.
func (p *pass) split(in io.Reader, o object, size int, objects chan<- object, buffers *sync.Pool) error {
	var tail []byte
	for {
		n := min(size, chunk)
		o.data = buffers.Get().(*[]byte)
		*o.data = slices.Grow((*o.data)[:0], len(tail)+n)[:len(tail)+n]
		copy(*o.data, tail)
		if _, err := io.ReadFull(in, (*o.data)[len(tail):]); err != nil {
			return err
		}
		next := o
		if size -= n; size > 0 {
			begin := len(*o.data) - overlap
			tail = append(tail[:0], (*o.data)[begin:]...)
			next.line += bytes.Count((*o.data)[:begin], []byte("\n"))
		}
		objects <- o
		if size == 0 {
			return nil
		}
		o = next
	}
}

// pointer is how a file begins that stands for one of Git LFS.
var pointer = []byte("version https://git-lfs.github.com/spec/v1\n")

// look looks at an object, or a part of it. It runs in several goroutines.
func (p *pass) look(o object) {
	hits := p.finder.Scan(*o.data)
	isPointer := o.kind == "blob" && bytes.HasPrefix(*o.data, pointer) && len(*o.data) < 1024
	if len(hits) == 0 && !isPointer && o.kind != "commit" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range hits {
		h.Line += o.line
		f := Found{Repository: p.repo.Name, Object: o.id, Kind: o.kind, Hit: h}
		each, all := once{o.id, h}, once{o.id, traces.Hit{Key: h.Key, Public: h.Public}}
		if p.seen[each] || p.lines[all] == maxLines {
			continue
		}
		p.seen[each] = true
		p.lines[all]++
		p.found = append(p.found, f)
	}
	if isPointer {
		p.pointers = append(p.pointers, Pointer{Repository: p.repo.Name, Object: o.id})
	}
	if o.kind == "commit" {
		p.graph(o)
	}
}

// graph notes a commit and its parents.
func (p *pass) graph(o object) {
	if _, known := p.tips[o.id]; !known {
		p.tips[o.id] = true
	}
	for line := range bytes.Lines(*o.data) {
		if parent, ok := bytes.CutPrefix(line, []byte("parent ")); ok {
			p.tips[string(bytes.TrimSpace(parent))] = false
		} else if len(bytes.TrimSpace(line)) == 0 {
			return // the message follows
		}
	}
}
