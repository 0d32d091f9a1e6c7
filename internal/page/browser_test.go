package page_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/page"
)

// TestServeForBrowsers serves made-up worlds at ROTATE_PAGE, each below the number of its keys, until it is told to
// stop, and the processor time that this process has taken at /processor: e2e/page.sh looks at them in a browser.
func TestServeForBrowsers(t *testing.T) {
	address := os.Getenv("ROTATE_PAGE")
	if address == "" {
		t.Skip("ROTATE_PAGE is not set; see e2e/page.sh")
	}
	mux := http.NewServeMux()
	for _, n := range []int{0, 1, 5, 10, 200, 10_000} {
		w := &world{t: t}
		mux.Handle("GET /"+strconv.Itoa(n)+"/{$}", page.Handler(these(w.keys(n))))
	}
	mux.HandleFunc("GET /processor", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, processorTime(t).Milliseconds())
	})
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		t.Fatal(err)
	}
}

// processorTime is what this process has taken: a busy machine does not change it.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Error(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
