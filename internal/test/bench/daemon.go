package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

const (
	settling = 4 * time.Second // after a daemon is ready
	watched  = 5 * time.Second // for how long its idling is watched

	scrapes = 3 // then
)

// A living is a daemon as it was seen.
type living struct {
	ready time.Duration // processor time from the start until every key was read
	wall  time.Duration // the same on the clock
	idle  time.Duration // processor time in watched
	rss   int64         // bytes

	scrape  time.Duration // processor time of one answer of /metrics
	scraped int64         // rss after scrapes of them
}

// daemon is daemons with more and more keys in a file store, all of them at rest.
func (b *bench) daemon(ctx context.Context) ([]*table, error) {
	sizes := []int{1, 100, 10_000, 100_000}
	t := &table{
		title: "Daemons: keys at rest in a file store", command: "go run ./internal/test/bench -only daemon",
		head: []string{"keys", "start to ready, processor time", "wall", "idle, of one processor", "memory", "one scrape of `/metrics`, processor time", "memory after three", "`rotate status`, processor time"},
	}
	goals := &table{title: "Daemons: goals", command: t.command}
	bare, err := b.bareMemory(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[int]living{}
	status := map[int]time.Duration{}
	for _, n := range sizes {
		dir, err := b.folderOf(n)
		if err != nil {
			return nil, err
		}
		l, err := b.live(ctx, dir, n)
		if err != nil {
			return nil, err
		}
		looked, err := command{args: []string{b.rotate, "status", "-c", dir}}.run(ctx)
		if err != nil {
			return nil, err
		}
		seen[n], status[n] = l, looked.cpu
		t.rows = append(t.rows, []string{
			fmt.Sprint(n), l.ready.Round(time.Millisecond).String(), l.wall.Round(time.Millisecond).String(),
			fmt.Sprintf("%.1f %%", 100*l.idle.Seconds()/watched.Seconds()), fmt.Sprintf("%.1f MB", float64(l.rss)/1e6),
			l.scrape.Round(time.Millisecond).String(), fmt.Sprintf("%.1f MB", float64(l.scraped)/1e6), looked.cpu.Round(time.Millisecond).String(),
		})
	}
	memory := float64(seen[10_000].rss) / float64(bare)
	goals.row("memory of 10,000 keys, against the bare program waiting", fmt.Sprintf("%.2f ×", memory), "≤ 2 ×", memory <= 2)
	goals.told("the same after three scrapes", fmt.Sprintf("%.2f ×", float64(seen[10_000].scraped)/float64(bare)))
	const small, large = 10_000, 100_000
	grown := func(what string, from, to float64) {
		e := exponent(small, large, from, to)
		goals.row(what+fmt.Sprintf(", from %d to %d keys", small, large), fmt.Sprintf("exponent %.2f", e), "≤ 1.1", e <= 1.1)
	}
	grown("start to ready, processor time", seen[small].ready.Seconds(), seen[large].ready.Seconds())
	grown("memory", float64(seen[small].rss), float64(seen[large].rss))
	grown("`rotate status`, processor time", status[small].Seconds(), status[large].Seconds())
	return []*table{t, goals}, nil
}

// folderOf makes a config of n keys and the documents that they have stored.
func (b *bench) folderOf(n int) (string, error) {
	const aFile = 10_000 // keys: a file of the config has at most 1 MiB
	dir := filepath.Join(b.dir, fmt.Sprint("daemon-", n))
	store := filepath.Join(dir, "keys")
	if err := os.MkdirAll(store, 0o700); err != nil {
		return "", err
	}
	text := "environment: test\nstores: {disk: {type: file, dir: ./keys}}\ndefaults: {store: disk}\nkeys:\n"
	for i := range n {
		name := fmt.Sprint("team-", i)
		text += "  " + name + ": {}\n"
		doc, err := document(name)
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(store, "test-"+name+".json"), doc, 0o600); err != nil {
			return "", err
		}
		if (i+1)%aFile == 0 || i+1 == n {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%06d.yaml", i)), []byte(text), 0o600); err != nil {
				return "", err
			}
			text = "keys:\n"
		}
	}
	return dir, nil
}

// document is a keyset as rotate would have stored it an hour ago.
func document(name string) ([]byte, error) {
	k, err := keyset.NewSymmetric(strings.ToLower(rand.Text()), keyset.HS256, secret.New([]byte(rand.Text()+rand.Text())), "")
	if err != nil {
		return nil, err
	}
	set, err := keyset.Create(name, "test", rand.Text(), k, time.Now().Add(-time.Hour))
	if err != nil {
		return nil, err
	}
	_, text, err := set.Encode("", rand.Text())
	if err != nil {
		return nil, err
	}
	return text.Reveal(), nil
}

// live starts a daemon and watches it until it has idled for a while.
func (b *bench) live(ctx context.Context, dir string, n int) (living, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cmd := exec.CommandContext(ctx, b.rotate, "run", "-c", dir, "--listen", "127.0.0.1:0", "--log-format", "json") //nolint:gosec // our own
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	log, err := cmd.StderrPipe()
	if err != nil {
		return living{}, err
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return living{}, err
	}
	defer func() { stop(); _ = cmd.Wait() }()
	lines := bufio.NewScanner(log)
	address := ""
	for address == "" && lines.Scan() {
		var line struct{ Address, Msg string }
		if err := json.Unmarshal(lines.Bytes(), &line); err == nil {
			address = line.Address
		}
	}
	if address == "" {
		return living{}, fmt.Errorf("the daemon of %d keys does not answer", n)
	}
	go func() {
		for lines.Scan() { // else it would wait for a reader
		}
	}()
	// An answer of /readyz counts the keys that are left: many would be measured.
	for pause := max(5*time.Millisecond, time.Duration(n)*10*time.Microsecond); ; time.Sleep(pause) {
		code, err := answered(ctx, address, "/readyz")
		if err != nil {
			return living{}, err
		}
		if code == http.StatusOK {
			break
		}
	}
	l := living{wall: time.Since(begin)}
	if l.ready, err = processorTime(cmd.Process.Pid); err != nil {
		return living{}, err
	}
	time.Sleep(settling)
	from, err := processorTime(cmd.Process.Pid)
	if err != nil {
		return living{}, err
	}
	time.Sleep(watched)
	to, err := processorTime(cmd.Process.Pid)
	if err != nil {
		return living{}, err
	}
	l.idle = to - from
	if l.rss, err = resident(cmd.Process.Pid); err != nil {
		return living{}, err
	}
	for range scrapes {
		if code, err := answered(ctx, address, "/metrics"); err != nil || code != http.StatusOK {
			return living{}, fmt.Errorf("/metrics of %d keys: status %d, %v", n, code, err)
		}
	}
	after, err := processorTime(cmd.Process.Pid)
	if err != nil {
		return living{}, err
	}
	l.scrape = (after - to) / scrapes
	l.scraped, err = resident(cmd.Process.Pid)
	return l, err
}

// answered reads an answer of a daemon to its end, and tells its code.
func answered(ctx context.Context, address, path string) (code int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// bareMemory is what the bare program has while it waits.
func (b *bench) bareMemory(ctx context.Context) (int64, error) {
	cmd := exec.CommandContext(ctx, b.bare, "wait") //nolint:gosec // our own
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() { _ = in.Close(); _ = cmd.Wait() }()
	time.Sleep(time.Second)
	return resident(cmd.Process.Pid)
}

// processorTime is what a process has used; see proc_pid_stat(5).
func processorTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const tick = time.Second / 100 // USER_HZ
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick, nil
}

// resident is the memory that a process has now; see proc_pid_status(5).
func resident(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no VmRSS of process %d", pid)
}
