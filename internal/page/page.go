// Package page is what a daemon shows a person in a browser: every key as a timeline, what needs attention first. It is
// one document without a script. It asks for nothing else, here or anywhere, and it holds no key material: it is drawn
// from reports and dates, which have none.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"iter"
	"net/http"
	"time"

	"github.com/keyrotate/rotate/internal/live"
	"github.com/keyrotate/rotate/internal/status"
)

//go:embed page.html
var document string

//go:embed page.css
var style string

// page is the document. Its style is trusted as it is: no key, store or address is part of it.
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"style": func() template.CSS { return template.CSS(style) }, // #nosec G203 -- embedded
}).Parse(document))

// policy is what a browser may do with the page (Content Security Policy Level 3): apply its one style, which it knows
// by its digest, show its icon, and send its form here. Nothing runs, and nothing is loaded.
var policy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

// Keys is a daemon's keys, at the moment that somebody asks.
type Keys struct {
	Now func() time.Time
	All func() iter.Seq[live.Key]
	One func(name string) (live.Key, bool)
}

// Handler answers with the page. It is safe for concurrent use if the functions of keys are.
func Handler(keys Keys) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header())
		q, err := parse(r.URL.RawQuery)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		now := keys.Now()
		var all []*status.Key
		for k := range keys.All() {
			all = append(all, new(k.Status()))
		}
		var body bytes.Buffer
		if err := page.Execute(&body, newView(now, all, keys.One, q)); err != nil {
			http.Error(w, "the page cannot be written", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if q.Watch {
			w.Header().Set("Refresh", "60")
		}
		_, _ = w.Write(body.Bytes()) // the client has gone
	})
}

// protect sets what keeps the page from other pages, and them from it.
func protect(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}
