package after

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// act is what the test binary does as another program.
func act(args []string) {
	switch args[0] {
	case "record":
		seen := strings.Join([]string{os.Getenv("ROTATE_KEY"), os.Getenv("ROTATE_OUTPUT"), os.Getenv("ROTATE_REVISION"), args[2]}, " ")
		_ = os.WriteFile(args[1], []byte(seen), 0o600)
	case "fail":
		fmt.Println("no such shop")
		os.Exit(7)
	case "wait": // for a signal, and tell which
		got := make(chan os.Signal, 1)
		signal.Notify(got, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
		_ = os.WriteFile(args[1]+".new", []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644)
		_ = os.Rename(args[1]+".new", args[1])
		fmt.Println("ready")
		fmt.Println(<-got)
	}
	os.Exit(0)
}
