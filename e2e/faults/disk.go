package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// fault is what the disk does to the operations op on paths under role, from the
// nth on, until it is lifted.
type fault struct {
	kind, op, role string
	nth, times     int
	delay          time.Duration
}

// disk is a folder behind FUSE with at most one fault. Safe for concurrent use.
type disk struct {
	root string
	mu   sync.Mutex
	f    *fault
	seen int
	hits int
	end  chan struct{}     // closed when the fault is lifted
	old  map[string][]byte // by path: what a rename has replaced
	lost map[string][]byte // by path: what is not on the medium, although fsync said so
}

func (d *disk) arm(f fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.f, d.seen, d.hits, d.end = &f, 0, 0, make(chan struct{})
	d.old, d.lost = map[string][]byte{}, map[string][]byte{}
}

// lift ends the fault, frees what hangs, and tells how often it struck.
func (d *disk) lift() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.f != nil {
		d.f = nil
		close(d.end)
	}
	return d.hits
}

// strike gives the kind of fault that this operation meets, or "". It waits where
// the fault is a delay or a hang.
func (d *disk) strike(ctx context.Context, op, path string) (kind string, errno syscall.Errno) {
	d.mu.Lock()
	f := d.f
	if f == nil || f.op != op && f.op != "any" || !under(path, f.role) {
		d.mu.Unlock()
		return "", 0
	}
	d.seen++
	if d.seen < f.nth || d.seen >= f.nth+f.times {
		d.mu.Unlock()
		return "", 0
	}
	d.hits++
	end := d.end
	d.mu.Unlock()
	switch f.kind {
	case "EIO":
		return f.kind, syscall.EIO
	case "ENOSPC":
		return f.kind, syscall.ENOSPC
	case "delay":
		select {
		case <-time.After(f.delay):
		case <-ctx.Done():
			return f.kind, syscall.EINTR
		case <-end:
		}
	case "hang":
		select {
		case <-ctx.Done():
			return f.kind, syscall.EINTR
		case <-end:
		}
	}
	return f.kind, 0
}

// under tells whether path, from the root of the mount, is of a role: RUN/ROLE/….
func under(path, role string) bool {
	parts := bytes.SplitN([]byte(path), []byte("/"), 3)
	return len(parts) > 1 && string(parts[1]) == role
}

type node struct {
	*fs.LoopbackNode
	d *disk
}

func (n *node) WrapChild(_ context.Context, ops fs.InodeEmbedder) fs.InodeEmbedder {
	return &node{ops.(*fs.LoopbackNode), n.d}
}

func (n *node) at(name string) string { return filepath.Join(n.Path(nil), name) }

func (n *node) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if _, e := n.d.strike(ctx, "lookup", n.at(name)); e != 0 {
		return nil, e
	}
	return n.LoopbackNode.Lookup(ctx, name, out)
}

func (n *node) Getattr(ctx context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if _, e := n.d.strike(ctx, "getattr", n.Path(nil)); e != 0 {
		return e
	}
	return n.LoopbackNode.Getattr(ctx, f, out)
}

func (n *node) Unlink(ctx context.Context, name string) syscall.Errno {
	if _, e := n.d.strike(ctx, "unlink", n.at(name)); e != 0 {
		return e
	}
	return n.LoopbackNode.Unlink(ctx, name)
}

func (n *node) Rename(ctx context.Context, name string, parent fs.InodeEmbedder, to string, flags uint32) syscall.Errno {
	from, path := n.at(name), filepath.Join(parent.EmbeddedInode().Path(nil), to)
	if _, e := n.d.strike(ctx, "rename", path); e != 0 {
		return e
	}
	before, err := os.ReadFile(filepath.Join(n.d.root, path))
	n.d.mu.Lock()
	if err == nil && n.d.f != nil {
		n.d.old[path] = before
	}
	if data, ok := n.d.lost[from]; ok {
		delete(n.d.lost, from)
		n.d.lost[path] = data
	}
	n.d.mu.Unlock()
	return n.LoopbackNode.Rename(ctx, name, parent, to, flags)
}

func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if _, e := n.d.strike(ctx, "create", n.at(name)); e != 0 {
		return nil, nil, 0, e
	}
	inode, fh, _, e := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	if e != 0 {
		return nil, nil, 0, e
	}
	return inode, &handle{fh.(*fs.LoopbackFile), n.d, n.at(name)}, fuse.FOPEN_DIRECT_IO, 0
}

func (n *node) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	path := n.Path(nil)
	kind, e := n.d.strike(ctx, "open", path)
	if e != 0 {
		return nil, 0, e
	}
	n.d.mu.Lock()
	old, ok := n.d.old[path]
	n.d.mu.Unlock()
	if kind == "stale" && ok && flags&syscall.O_ACCMODE == syscall.O_RDONLY {
		f, err := os.CreateTemp(n.d.root, "stale")
		if err != nil {
			return nil, 0, fs.ToErrno(err)
		}
		os.Remove(f.Name())
		if _, err := f.Write(old); err != nil {
			return nil, 0, fs.ToErrno(err)
		}
		return &handle{fs.NewLoopbackFileFromOS(f), n.d, path}, fuse.FOPEN_DIRECT_IO, 0
	}
	fh, _, e := n.LoopbackNode.Open(ctx, flags)
	if e != 0 {
		return nil, 0, e
	}
	return &handle{fh.(*fs.LoopbackFile), n.d, path}, fuse.FOPEN_DIRECT_IO, 0
}

type handle struct {
	*fs.LoopbackFile
	d    *disk
	path string
}

func (h *handle) PassthroughFd() (int, bool) { return 0, false }

func (h *handle) Read(ctx context.Context, buf []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	kind, e := h.d.strike(ctx, "read", h.path)
	if e != 0 {
		return nil, e
	}
	res, e := h.LoopbackFile.Read(ctx, buf, off)
	if kind != "tear" || e != 0 {
		return res, e
	}
	data, _ := res.Bytes(buf)
	if off > 0 {
		data = nil // the rest never comes
	}
	return fuse.ReadResultData(data[:len(data)/2]), 0
}

func (h *handle) Write(ctx context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	kind, e := h.d.strike(ctx, "write", h.path)
	switch {
	case kind == "short": // told as it is
		return h.LoopbackFile.Write(ctx, data[:(len(data)+1)/2], off)
	case kind == "tear" || kind == "ENOSPC": // half of it is there
		h.LoopbackFile.Write(ctx, data[:len(data)/2], off)
		return 0, max(e, syscall.EIO)
	case e != 0:
		return 0, e
	}
	return h.LoopbackFile.Write(ctx, data, off)
}

func (h *handle) Writev(ctx context.Context, data [][]byte, off int64) (uint32, syscall.Errno) {
	return h.Write(ctx, bytes.Join(data, nil), off)
}

func (h *handle) Fsync(ctx context.Context, flags uint32) syscall.Errno {
	kind, e := h.d.strike(ctx, "fsync", h.path)
	if e != 0 {
		return e
	}
	if kind == "lie" {
		if data, err := os.ReadFile(filepath.Join(h.d.root, h.path)); err == nil {
			h.d.mu.Lock()
			h.d.lost[h.path] = data
			h.d.mu.Unlock()
		}
		return 0
	}
	return h.LoopbackFile.Fsync(ctx, flags)
}

// cut is the power cut after an fsync that lied: it leaves half of what that should
// have kept. It gives what was lost, by path.
func (d *disk) cut() map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	gone := map[string][]byte{}
	for path, data := range d.lost {
		name := filepath.Join(d.root, path)
		if now, err := os.ReadFile(name); err == nil && bytes.Equal(now, data) && len(data) > 0 {
			gone[path] = data
			os.Truncate(name, int64(len(data)/2))
		}
	}
	return gone
}

var roles = []string{"keys", "keys", "keys", "out", "audit", "etc"}

// draw makes the fault of a seed.
func draw(r *rand.Rand) fault {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	f := fault{role: pick(roles...), nth: 1 + r.IntN(4), times: 1 + r.IntN(3), delay: time.Duration(1+r.IntN(300)) * time.Millisecond}
	if r.IntN(3) == 0 {
		f.times = 1 << 30
	}
	switch f.kind = pick("EIO", "EIO", "ENOSPC", "delay", "hang", "hang", "lie", "stale", "short", "tear"); f.kind {
	case "EIO", "delay", "hang":
		f.op = pick("any", "any", "lookup", "getattr", "open", "create", "read", "write", "fsync", "rename", "unlink")
	case "ENOSPC":
		f.op = pick("write", "create", "rename")
	case "lie":
		f.op, f.nth, f.times = "fsync", 1, 1<<30
	case "stale":
		f.op, f.nth, f.times = "open", 1, 1<<30
	case "short":
		f.op = "write"
	case "tear":
		f.op = pick("read", "write")
	}
	return f
}
