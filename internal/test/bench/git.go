package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/test/bench/pair"
)

// gitBlobs is how many blobs the repository has in which keys are looked for.
const gitBlobs = 100_000

// git is `rotate check --git` beside git itself, which prints the same objects to
// nobody. The blobs are texts like sources, of 4 KB on average, in one pack.
func (b *bench) git(ctx context.Context) ([]*table, error) {
	t := &table{title: "Keys in Git: `rotate check --git`", command: "go run ./internal/test/bench -only git"}
	if _, err := exec.LookPath("git"); err != nil {
		return []*table{t.skipped(err)}, nil
	}
	dir := filepath.Join(b.dir, "repository")
	if err := sources(ctx, dir); err != nil {
		return nil, err
	}
	var keys []string
	for i := range 10 {
		keys = append(keys, fmt.Sprintf("key-%d: {}, pair-%d: {algorithm: RS256}", i, i))
	}
	conf, err := b.write("git/rotate.yaml", fmt.Sprintf(quick, "{type: file, dir: "+filepath.Join(b.dir, "git/keys")+"}", strings.Join(keys, ", ")))
	if err != nil {
		return nil, err
	}
	if _, err := (command{args: []string{b.rotate, "run", "--once", "-c", conf}}).run(ctx); err != nil {
		return nil, err
	}
	commands := []command{
		{args: []string{"sh", "-c", `exec git -C "$0" cat-file --batch --batch-all-objects --unordered --buffer > /dev/null`, dir}},
		{args: []string{b.rotate, "check", "--git", dir, "-c", conf}, says: "no key was found"},
	}
	runs, err := inTurn(ctx, 5, func(int) []command { return commands })
	if err != nil {
		return nil, err
	}
	var walls []time.Duration
	for _, r := range runs {
		walls = append(walls, r[1].wall)
	}
	took := pair.Median(walls)
	ratio := runs.ratio(1, 0)
	t.row(fmt.Sprintf("%d blobs, 20 keys (10 pairs): wall time", gitBlobs), took.Round(100*time.Millisecond).String(), "≤ 60 s on 2 cores", took <= time.Minute)
	t.row("the same beside `git cat-file --batch` alone", fmt.Sprintf("%.2f ×", ratio.wall), "≤ 2 ×", ratio.wall <= 2)
	t.told("processor time beside it", fmt.Sprintf("%.1f ×", ratio.cpu))
	return []*table{t}, nil
}

// sources makes a repository of texts, by git fast-import.
func sources(ctx context.Context, dir string) error {
	if out, err := exec.CommandContext(ctx, "git", "init", "-q", dir).CombinedOutput(); err != nil {
		return fmt.Errorf("git init: %w\n%s", err, out)
	}
	cmd := exec.CommandContext(ctx, "git", "-C", dir, "fast-import", "--quiet")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	w := bufio.NewWriterSize(in, 1<<20)
	rng := mathrand.New(mathrand.NewPCG(1, 2)) //nolint:gosec // texts, not keys
	words := strings.Fields("func return if err != nil { } package import var string int := range for the of a key value store token := ( ) , . \"json\" // and then 0 1 0x1f base64 ====== <div> class= id= 'x' && || -> data: name: true false null")
	fmt.Fprint(w, "commit refs/heads/main\ncommitter bench <bench@example.com> 1700000000 +0000\ndata 1\nx\n")
	var text strings.Builder
	for i := range gitBlobs {
		text.Reset()
		for size := 500 + rng.IntN(7000); text.Len() < size; {
			text.WriteString(strings.Repeat("\t", rng.IntN(4)))
			for range 4 + rng.IntN(10) {
				text.WriteString(words[rng.IntN(len(words))] + " ")
			}
			if rng.IntN(30) == 0 { // a hash of a lock file, say
				sum := make([]byte, 32)
				_, _ = rand.Read(sum)
				text.WriteString(base64.StdEncoding.EncodeToString(sum))
			}
			text.WriteByte('\n')
		}
		fmt.Fprintf(w, "M 100644 inline d%d/f%d.go\ndata %d\n%s\n", i/1000, i, text.Len(), text.String())
	}
	fmt.Fprint(w, "done\n")
	if err := w.Flush(); err != nil {
		return err
	}
	if err := in.Close(); err != nil {
		return err
	}
	return cmd.Wait()
}
