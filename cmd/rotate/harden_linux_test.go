package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/keyrotate/rotate/internal/process"
)

// Failure 32: what holds keys leaves no core, even where the host would write
// one, and no other process of its user reads its memory.
func TestIncident32ProcessIsGuarded(t *testing.T) {
	c := newConsole(t, "environment: test\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {one: {store: disk}}\n")
	dir := t.TempDir()
	// The shell allows cores; only the process itself forbids them.
	cmd := exec.Command("/bin/sh", "-c", `ulimit -c unlimited; umask 000; exec "$@"`, "sh", binary(t), "run", "-c", filepath.Join(c.dir, "rotate.yaml"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOTRACEBACK=crash") // or Go would end with an exit code
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := &logReader{t: t, lines: bufio.NewScanner(stderr)}
	log.until("audit one create")
	proc := "/proc/" + strconv.Itoa(cmd.Process.Pid)
	limits, err := os.ReadFile(proc + "/limits")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(limits), "Max core file size        0                    0") {
		t.Errorf("cores are allowed:\n%s", limits)
	}
	state, err := os.ReadFile(proc + "/status")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(state), "Umask:\t0077") {
		t.Errorf("the umask is not 0077:\n%s", state)
	}
	// What is not dumpable belongs to root in /proc (proc(5)); as root nothing
	// can be told apart by that, so the process is asked through its own file.
	if info, err := os.Stat(proc + "/mem"); err == nil && os.Geteuid() != 0 && info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Error("its memory can be read by its user")
	}
	if err := cmd.Process.Signal(unix.SIGABRT); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, stderr)
	_ = cmd.Wait()
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.CoreDump() {
		t.Error("a core was written")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestIncident32NotDumpable asks the kernel in a process of its own, which hardens itself.
func TestIncident32NotDumpable(t *testing.T) {
	if os.Getenv("ROTATE_TEST_DUMPABLE") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestIncident32NotDumpable$")
		cmd.Env = append(os.Environ(), "ROTATE_TEST_DUMPABLE=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	if err := process.Harden(); err != nil {
		t.Fatal(err)
	}
	if got, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); got != 0 || err != nil {
		t.Errorf("dumpable %d, %v", got, err)
	}
}

// TestIncident32NoProfiles: the package that serves heap profiles is not part of the
// binary (that the paths are not served: package serve).
func TestIncident32NoProfiles(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range strings.Fields(string(out)) {
		if p == "net/http/pprof" {
			t.Errorf("%s is part of the binary", p)
		}
	}
}

// TestFIPS: every algorithm is made, written, read back and rotated in Go's FIPS
// 140-3 mode.
func TestFIPS(t *testing.T) {
	algorithms := []string{"HS256", "HS512", "RS256", "PS256", "ES256", "ES384", "ES512", "Ed25519", "EdDSA", "opaque"}
	config := "environment: test\nstores: {disk: {type: file, dir: ./keys}}\ndefaults: {store: disk, propagation: 0s}\nkeys:\n"
	for _, alg := range algorithms {
		config += "  " + strings.ToLower(alg) + ": {algorithm: " + alg
		if strings.HasSuffix(alg, "S256") && alg[0] != 'H' && alg[0] != 'E' {
			config += ", bits: 2048"
		}
		config += "}\n"
	}
	c := newConsole(t, config)
	rotate := binary(t)
	run := func(args ...string) []byte {
		t.Helper()
		cmd := exec.Command(rotate, append(args, "-c", filepath.Join(c.dir, "rotate.yaml"))...)
		cmd.Env = append(os.Environ(), "GODEBUG=fips140=on")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("rotate %s: %v\n%s%s", strings.Join(args, " "), err, out, errs.Bytes())
		}
		return out
	}
	run("now", "--all")
	run("now", "--all", "--wait")
	var report struct {
		Keys []struct {
			Key      string
			Current  struct{ Algorithm string }
			Previous []any
		}
	}
	if err := json.Unmarshal(run("status", "-o", "json"), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Keys) != len(algorithms) {
		t.Fatalf("%d keys", len(report.Keys))
	}
	for _, k := range report.Keys {
		if strings.ToLower(k.Current.Algorithm) != k.Key || len(k.Previous) != 1 {
			t.Errorf("%s: %s signs, %d previous", k.Key, k.Current.Algorithm, len(k.Previous))
		}
	}
}
