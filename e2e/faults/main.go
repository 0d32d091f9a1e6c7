// Command faults runs the real rotate on a disk that fails: faults RUNS SEED STEP ROTATE.
// Each run has one fault, drawn from its seed. After each the fault ends, and the next
// pass must finish. It prints what it counted, and fails where a count is not 0.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

const config = `environment: test
audit: {file: ../audit/audit.jsonl}
stores: {disk: {type: file, dir: ../keys}}
keys:
  public: {store: disk, algorithm: ES256, outputs: [{format: jwks, path: ../out/public.jwks}]}
  symmetric: {store: disk}
`

var (
	binary string
	keys   = []string{"public", "symmetric"}
	// orders are the commands that meet a fault. The daemon is ended by SIGTERM.
	orders = [][]string{{"now", "--all"}, {"now", "--all"}, {"run", "--once"}, {"run"}, {"get", "symmetric"}, {"now", "--compromised", "public", "--yes"}}
)

// bound is the time that a command has after SIGTERM: the 5 s that are promised, and
// what a busy machine takes.
const bound = 8 * time.Second

// rotate runs the binary on the files in dir. After limit it gets a SIGTERM. Where it
// still lives after bound, it hung: code is -1.
func rotate(dir string, limit time.Duration, args ...string) (out string, code int) {
	cmd := exec.Command(binary, append(args, "-c", filepath.Join(dir, "etc/rotate.yaml"))...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for _, step := range []struct {
		after  time.Duration
		signal syscall.Signal
	}{{limit, syscall.SIGTERM}, {bound, syscall.SIGKILL}, {time.Hour, 0}} {
		select {
		case <-done:
			if step.signal == 0 {
				return stderr.String(), -1
			}
			return stdout.String() + stderr.String(), cmd.ProcessState.ExitCode()
		case <-time.After(step.after):
			cmd.Process.Signal(step.signal)
		}
	}
	panic("unreachable")
}

type counts struct{ runs, struck, refused, lost, torn, hangs, unfinished, accepted int }

// document is what of a keyset's document is compared.
type document struct {
	Lineage    string
	Generation uint64
}

func read(dir, key string) (d document, data []byte, err error) {
	if data, err = os.ReadFile(filepath.Join(dir, "keys/test-"+key+".json")); err == nil {
		err = json.Unmarshal(data, &d)
	}
	return d, data, err
}

// one is a run: a fault, a command that meets it, and the next pass without it.
func one(d *disk, mount string, seed uint64, c *counts) {
	r := rand.New(rand.NewPCG(seed, 20))
	name := fmt.Sprint("run", seed)
	dir, back := filepath.Join(mount, name), filepath.Join(d.root, name)
	if out, err := exec.Command("cp", "-a", filepath.Join(d.root, "base"), back).CombinedOutput(); err != nil {
		log.Fatalf("%s", out)
	}
	defer os.RemoveAll(back)
	before := map[string]document{}
	for _, key := range keys {
		before[key], _, _ = read(back, key)
	}
	base, _ := rotate(dir, time.Minute, "get", "symmetric")
	f, order := draw(r), orders[r.IntN(len(orders))]
	bad := func(count *int, format string, args ...any) {
		*count++
		fmt.Printf("seed %d, %s of %s under %s from %d, %d times, %v: %s\n", seed, f.kind, f.op, f.role, f.nth, f.times, order, fmt.Sprintf(format, args...))
	}
	d.arm(f)
	out, code := rotate(dir, time.Duration(500+r.IntN(1500))*time.Millisecond, order...)
	if code == -1 {
		bad(&c.hangs, "it lives %v after SIGTERM: %s", bound, out)
	}
	if order[0] == "get" && code == 0 && !strings.HasPrefix(out, strings.TrimSpace(base)) {
		bad(&c.accepted, "get printed another secret")
	}
	gone := map[string][]byte{}
	if f.kind == "lie" {
		gone = d.cut()
	}
	hits := d.lift()
	c.runs++
	c.struck += min(hits, 1)
	if code != 0 {
		c.refused++
	}
	afterCut(dir, back, gone, bad, c)

	out, code = rotate(dir, time.Minute, "run", "--once")
	pass := out
	if code != 0 && code != 3 {
		bad(&c.unfinished, "the next pass ended with %d: %s", code, out)
	}
	for _, key := range keys {
		now, _, err := read(back, key)
		out, code := rotate(dir, time.Minute, "get", key)
		switch {
		case errors.Is(err, os.ErrNotExist), err == nil && (now.Lineage != before[key].Lineage || now.Generation < before[key].Generation):
			bad(&c.lost, "%s was %v and is %v: %v", key, before[key], now, err)
		case err != nil || code != 0:
			bad(&c.torn, "%s: get ended with %d, %v: %s", key, code, err, out)
		}
	}
	want, _ := rotate(dir, time.Minute, "get", "public", "--format", "jwks")
	if have, err := os.ReadFile(filepath.Join(back, "out/public.jwks")); err != nil || !same(have, []byte(want)) {
		bad(&c.torn, "the output is not what get prints: %v; the pass said: %s", err, pass)
	}
}

// afterCut holds that a document of which a power cut left half is not accepted, nor
// replaced. Then it comes back, as from a backup, and so do
// its witness and an output's note.
func afterCut(dir, back string, gone map[string][]byte, bad func(*int, string, ...any), c *counts) {
	if len(gone) == 0 {
		return
	}
	rotate(dir, time.Minute, "run", "--once")
	for path, data := range gone {
		name := filepath.Join(filepath.Dir(back), path)
		if !strings.Contains(path, "/keys/") && !strings.HasSuffix(path, ".note") {
			continue // an output: the next pass puts it right
		}
		half, err := os.ReadFile(name)
		untouched := err == nil && bytes.Equal(half, data[:len(data)/2])
		if !untouched && strings.Contains(path, "/keys/test-") {
			bad(&c.accepted, "%s was torn by a power cut and then written over", path)
		}
		if untouched { // a document, witness or note: it is refused for as long as it is damaged
			os.WriteFile(name, data, 0o600)
		}
	}
}

func same(a, b []byte) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return bytes.Equal(p, q)
}

// flips changes each STEPth byte of each file, and cuts each file there. A document is
// refused then; no other file makes get print anything else; an output is put right.
func flips(root string, step int, c *counts) (tried int) {
	dir := filepath.Join(root, "base")
	want := map[string]string{}
	for _, key := range keys {
		want[key], _ = rotate(dir, time.Minute, "get", key)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "keys/.test-*"))
	for _, pattern := range []string{"keys/*.json", "out/*.jwks", "out/.rotate/*.note"} {
		more, _ := filepath.Glob(filepath.Join(dir, pattern))
		files = append(files, more...)
	}
	output, _ := os.ReadFile(filepath.Join(dir, "out/public.jwks"))
	for _, file := range files {
		whole, _ := os.ReadFile(file)
		info, _ := os.Stat(file)
		key := keys[0]
		if strings.Contains(file, keys[1]) {
			key = keys[1]
		}
		for i := 0; i < len(whole); i += step {
			flipped := bytes.Clone(whole)
			flipped[i] ^= 1
			for _, data := range [][]byte{flipped, whole[:i]} {
				tried++
				os.WriteFile(file, data, info.Mode())
				if strings.HasSuffix(file, ".note") { // may be refused, and changes no output
					rotate(dir, time.Minute, "run", "--once")
					if now, _ := os.ReadFile(filepath.Join(dir, "out/public.jwks")); !bytes.Equal(now, output) {
						c.accepted++
						fmt.Printf("%s, byte %d: the output was changed\n", file, i)
					}
				} else if strings.HasSuffix(file, ".jwks") {
					rotate(dir, time.Minute, "run", "--once")
					if now, _ := os.ReadFile(file); !bytes.Equal(now, whole) {
						c.accepted++
						fmt.Printf("%s, byte %d: not put right\n", file, i)
					}
				} else if out, code := rotate(dir, time.Minute, "get", key); code == 0 && (out != want[key] || strings.HasSuffix(file, ".json")) {
					c.accepted++
					fmt.Printf("%s, byte %d, %d of %d bytes: accepted\n", file, i, len(data), len(whole))
				}
			}
		}
		os.WriteFile(file, whole, info.Mode())
	}
	return tried
}

func main() {
	log.SetFlags(0)
	runs, _ := strconv.Atoi(os.Args[1])
	seed, _ := strconv.ParseUint(os.Args[2], 10, 64)
	step, _ := strconv.Atoi(os.Args[3])
	binary = os.Args[4]
	work, err := os.MkdirTemp("", "faults")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(work)
	root, mount := filepath.Join(work, "back"), filepath.Join(work, "mount")
	for _, dir := range []string{"back", "mount", "back/base/keys", "back/base/out", "back/base/audit", "back/base/etc"} {
		os.MkdirAll(filepath.Join(work, dir), 0o700)
	}
	os.WriteFile(filepath.Join(root, "base/etc/rotate.yaml"), []byte(config), 0o600)
	if out, code := rotate(filepath.Join(root, "base"), time.Minute, "now", "--all"); code != 0 && code != 3 {
		log.Fatal(out)
	}
	if out, code := rotate(filepath.Join(root, "base"), time.Minute, "run", "--once"); code != 0 && code != 3 {
		log.Fatal(out)
	}
	d := &disk{root: root}
	loop, err := fs.NewLoopbackRoot(root)
	if err != nil {
		log.Fatal(err)
	}
	var never time.Duration
	server, err := fs.Mount(mount, &node{loop.(*fs.LoopbackNode), d}, &fs.Options{AttrTimeout: &never, EntryTimeout: &never,
		MountOptions: fuse.MountOptions{DirectMountStrict: true, FsName: "faults", Name: "faults"}})
	if err != nil {
		log.Fatal("the file system cannot be mounted: ", err)
	}
	var c counts
	for i := range runs {
		one(d, mount, seed+uint64(i), &c)
	}
	if err := server.Unmount(); err != nil {
		log.Print(err)
	}
	tried := flips(root, step, &c)
	fmt.Printf("%d runs from seed %d, a fault struck in %d, %d commands did not end well; %d files with a byte changed or cut off\n", c.runs, seed, c.struck, c.refused, tried)
	fmt.Printf("keys lost %d, torn %d, hangs past the bound %d, passes that did not finish %d, accepted corruptions %d\n", c.lost, c.torn, c.hangs, c.unfinished, c.accepted)
	if c.lost+c.torn+c.hangs+c.unfinished+c.accepted > 0 || runs > 100 && c.struck < runs/4 {
		os.RemoveAll(work)
		os.Exit(1)
	}
}
