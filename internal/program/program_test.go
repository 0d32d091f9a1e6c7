package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// What the test binary does when a test runs it as the program.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "act" {
		act(os.Args[2])
	}
	os.Exit(m.Run())
}

func act(as string) {
	switch as {
	case "well":
	case "fail":
		fmt.Fprint(os.Stderr, "  \x1b[31mno\u202e such\x00 shop\r\nand a second line\n")
		os.Exit(3)
	case "long":
		fmt.Print(strings.Repeat("x", 100_000))
		os.Exit(1)
	case "tell":
		text, _ := io.ReadAll(os.Stdin)
		dir, _ := os.Getwd()
		fmt.Printf("%s|%s|%s", os.Environ(), text, dir)
		os.Exit(1)
	case "hang": // with a child that has the same pipe
		child := exec.Command(os.Args[0], "act", "sleep")
		child.Stdout = os.Stdout
		_ = child.Start()
		time.Sleep(time.Hour)
	case "sleep":
		time.Sleep(time.Hour)
	}
	os.Exit(0)
}

func TestRun(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary")
	late := errors.New("it is late")
	for as, want := range map[string]string{
		"well": "",
		"fail": "the program ended with exit status 3: [31mno such shop",
		"long": "the program ended with exit status 1: " + strings.Repeat("x", longest),
		"tell": "the program ended with exit status 1: [PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 KEY=k]|input|/",
		"hang": "the program did not end in time, and was killed",
	} {
		t.Run(as, func(t *testing.T) {
			limit := 20 * time.Second
			if as == "hang" {
				limit = 300 * time.Millisecond
			}
			ctx, cancel := context.WithTimeoutCause(t.Context(), limit, late)
			defer cancel()
			got := ""
			if err := Run(ctx, []string{os.Args[0], "act", as, "$HOME;exit"}, []string{"KEY=k"}, []byte("input")); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	if err := Run(t.Context(), []string{"/nowhere/at-all"}, nil, nil); !errors.Is(err, os.ErrNotExist) || err.Error() != "the program could not be run: no such file or directory" {
		t.Errorf("a program that is not there: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(late)
	if err := Run(ctx, []string{"/nowhere/at-all"}, nil, nil); !errors.Is(err, late) {
		t.Errorf("after the end: %v", err)
	}
}
