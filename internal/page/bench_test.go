package page_test

import (
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/keyrotate/rotate/internal/page"
)

func BenchmarkPage(b *testing.B) {
	for _, n := range []int{1, 200, 10_000} {
		keys := (&world{t: b}).keys(n)
		h := page.Handler(these(keys))
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
				b.ReportMetric(float64(w.Body.Len()), "bytes")
			}
		})
	}
}
