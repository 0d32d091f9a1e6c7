package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/status"
)

// healthz asks the scheduler: where that hangs, so does the answer,
// and the probe fails. A key in trouble is no reason to restart a daemon.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	s.Unseen()
	plain(w, http.StatusOK, "ok\n")
}

// readyz counts the keys that were not looked at yet. One whose store fails is
// known to fail: that is for metrics and alerts, not for taking the daemon out.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	first, unseen, keys := s.Unseen()
	if unseen > 0 {
		plain(w, http.StatusServiceUnavailable, fmt.Sprintf("%d of %s not read yet: %s\n", unseen, say.Plural(keys, "key"), some(first, unseen)))
		return
	}
	plain(w, http.StatusOK, "ready: "+say.Plural(keys, "key")+"\n")
}

// some is the first names of so many.
func some(first []string, all int) string {
	list := strings.Join(first, ", ")
	if len(first) < all {
		list += ", …"
	}
	return list
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	var keys []status.Key
	for k := range s.Keys() {
		keys = append(keys, k.Status())
	}
	doc, err := json.MarshalIndent(say.Report(status.New(s.Now(), keys)), "", "  ")
	if err != nil {
		http.Error(w, "the report cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(doc, '\n')) // the client has gone
}

func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text)) // the client has gone
}
