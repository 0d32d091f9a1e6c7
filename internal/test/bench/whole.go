package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// write puts a file into the bench's folder and returns its path.
func (b *bench) write(name, text string) (string, error) {
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// process is the binary, and commands that end.
func (b *bench) process(ctx context.Context) ([]*table, error) {
	t := &table{title: "The binary, against a program with the same SDKs that does nothing (internal/test/bench/bare)", command: "go run ./internal/test/bench -only process"}
	ours, err := os.Stat(b.rotate)
	if err != nil {
		return nil, err
	}
	theirs, err := os.Stat(b.bare)
	if err != nil {
		return nil, err
	}
	size := float64(ours.Size()) / float64(theirs.Size())
	t.row("size", fmt.Sprintf("%.1f MB, %.3f ×", float64(ours.Size())/1e6, size), "≤ 1.2 ×", size <= 1.2)
	bare := command{args: []string{b.bare}}
	start, err := compare(ctx, 201, command{args: []string{b.rotate, "version"}}, bare)
	if err != nil {
		return nil, err
	}
	t.row("start-up, processor time", fmt.Sprintf("%.2f ×", start.cpu), "≤ 1.3 ×", start.cpu <= 1.3)
	t.told("start-up, wall time", fmt.Sprintf("%.2f ×", start.wall))
	files, err := b.files(ctx)
	return []*table{t, files}, err
}
