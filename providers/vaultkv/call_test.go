package vaultkv

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/keyrotate/rotate/internal/say"
	"github.com/keyrotate/rotate/internal/test/fakes"
	"github.com/keyrotate/rotate/internal/test/vaultfake"
	"github.com/keyrotate/rotate/providers"
)

// The table of errors, seen from outside: what a failure of the one call that
// changes something says, and what a failure of a read says.
func TestErrors(t *testing.T) { synctest.Test(t, errorsOf) } // reads are repeated after a while

func errorsOf(t *testing.T) {
	f := vaultfake.New()
	v := server{"http://127.0.0.1:8200", f, "root"}
	s := v.open(t, v.config(t))
	rev := put(t, s, "a", "", 1)
	rev = put(t, s, "b", rev.ID, 2)
	history, err := s.History(t.Context(), name)
	must(t, err)
	for _, c := range []struct {
		status      int
		read, write error
	}{
		{-1, providers.ErrUnavailable, providers.ErrUnclear},
		{400, providers.ErrUnavailable, providers.ErrUnavailable},
		{403, providers.ErrDenied, providers.ErrDenied},
		{405, providers.ErrUnsafe, providers.ErrUnsafe},
		{412, providers.ErrThrottled, providers.ErrThrottled},
		{413, providers.ErrTooLarge, providers.ErrTooLarge},
		{429, providers.ErrThrottled, providers.ErrThrottled},
		{500, providers.ErrUnavailable, providers.ErrUnclear},
		{502, providers.ErrUnavailable, providers.ErrUnclear},
		{503, providers.ErrUnavailable, providers.ErrUnavailable}, // sealed
		{504, providers.ErrUnavailable, providers.ErrUnclear},
		{418, providers.ErrUnavailable, providers.ErrUnclear},
	} {
		for _, echo := range []bool{false, true} {
			want := c.write
			if echo && c.status == 503 {
				want = providers.ErrUnclear // a proxy's, not Vault's
			}
			on := func(call string) {
				f.On(fakes.Every(call, fakes.Fault{Before: fakes.Status{Code: c.status, Echo: echo}}))
			}
			check := func(what string, want, err error) {
				t.Helper()
				var e *providers.Error
				if !errors.Is(err, want) || !errors.As(err, &e) || e.Kind != want {
					t.Errorf("%d %s (echo %v): %v, want %v", c.status, what, echo, err, want)
				}
				if err != nil && strings.Contains(err.Error(), "canary") {
					t.Errorf("%d %s holds material", c.status, what)
				}
				if want == providers.ErrThrottled && e.After != 7*time.Second {
					t.Errorf("%d: After is %v", c.status, e.After)
				}
			}
			on("PUT data")
			_, err := s.Write(t.Context(), name, providers.NewSecret([]byte("canary")), rev.ID, providers.Note{})
			check("write", want, err)
			on("PUT destroy")
			_, err = s.Erase(t.Context(), name, history[0].ID, rev.ID)
			check("erase", want, err)
			on("GET data")
			_, err = s.Read(t.Context(), name)
			check("read", c.read, err)
			on("GET metadata")
			_, err = s.History(t.Context(), name)
			check("history", c.read, err)
		}
	}
	f.On(nil)
	f.Sealed = true
	if _, err := s.Read(t.Context(), name); !errors.Is(err, providers.ErrUnavailable) || !strings.Contains(say.Error(err).String(), "hint: vault operator unseal") {
		t.Errorf("sealed: %v", err)
	}
	f.Sealed, f.Standby = false, true
	if _, err := s.Write(t.Context(), name, providers.NewSecret([]byte("c")), rev.ID, providers.Note{}); !errors.Is(err, providers.ErrUnavailable) {
		t.Errorf("standby: %v", err)
	}
}

// A page of a proxy is never an empty store.
func TestA404ThatIsNotVaults(t *testing.T) {
	s := &store{Config: Config{Mount: "secret"}, session: &session{turn: make(chan struct{}, 1), grant: grant{token: "x"}}}
	for _, via := range []answers{{404, "<html>not found</html>"}, {404, ""}, {404, `{"message":"not found"}`}, {404, `{}`}, {404, `null`}, {200, "<html>welcome</html>"}, {200, `{"data":[]}`}, {200, `{}`}, {200, `{"data":{}}`}} {
		var err error
		s.session.client, err = (&Config{Address: "http://127.0.0.1:8200"}).client(via)
		must(t, err)
		if _, err := s.Read(t.Context(), name); !errors.Is(err, providers.ErrUnavailable) {
			t.Errorf("%v: %v, want ErrUnavailable", via, err)
		}
	}
}

type answers struct {
	status int
	text   string
}

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.WriteHeader(a.status)
	_, _ = w.WriteString(a.text)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// A call that hangs ends, with the cause, and a write that hung is unclear.
func TestCancelledInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := approle(t)
		rev := put(t, s, "a", "", 1)
		f.On(func(c fakes.Call) *fakes.Fault {
			if c.Kind == "PUT data" || c.Kind == "GET data" {
				return &fakes.Fault{Hold: time.Hour}
			}
			return nil
		})
		gaveUp := errors.New("the operator gave up")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, gaveUp)
		defer cancel()
		start := time.Now()
		_, err := s.Write(ctx, name, providers.NewSecret([]byte("b")), rev.ID, providers.Note{})
		if !errors.Is(err, providers.ErrUnclear) || !errors.Is(err, gaveUp) || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		start = time.Now()
		_, err = s.Read(t.Context(), name)
		if !errors.Is(err, providers.ErrUnavailable) || !errors.Is(err, errTimeout) || time.Since(start) != timeout {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		time.Sleep(2 * time.Hour)
	})
}

// A standby that lags shows an old head for as long as Traits.Stale says; the
// write that builds on it is refused.
func TestStaleStandby(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, s := approle(t)
		s.Stale = 5 * time.Second
		first := put(t, s, "a", "", 1)
		time.Sleep(time.Minute)
		second := put(t, s, "b", first.ID, 2)
		f.Behind = s.Traits().Stale
		if rev, err := s.Read(t.Context(), name); err != nil || rev.ID != first.ID {
			t.Errorf("the standby shows %s (%v), want %s", rev.ID, err, first.ID)
		}
		if _, err := s.Write(t.Context(), name, providers.NewSecret([]byte("c")), first.ID, providers.Note{}); !errors.Is(err, providers.ErrConflict) {
			t.Errorf("a write on an old head: %v", err)
		}
		time.Sleep(s.Traits().Stale)
		if rev, err := s.Read(t.Context(), name); err != nil || rev.ID != second.ID {
			t.Errorf("later: %s (%v), want %s", rev.ID, err, second.ID)
		}
	})
}

func TestTLS(t *testing.T) {
	f := vaultfake.New()
	srv := httptest.NewUnstartedServer(f)
	srv.Config.ErrorLog = nil
	srv.StartTLS()
	defer srv.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600))
	open := func(tls TLS) error {
		c := &Config{Address: srv.URL, TLS: tls, Auth: Auth{TokenFile: fileOf(t, "root")}}
		client, err := c.client(nil)
		must(t, err)
		defer client.CloneConfig().HttpClient.CloseIdleConnections()
		s, err := c.open(t.Context(), client.CloneConfig().HttpClient.Transport)
		if err == nil {
			put(t, s, "a", "", 1)
		}
		return err
	}
	if err := open(TLS{CACert: ca, ServerName: "example.com"}); err != nil {
		t.Error(err)
	}
	for what, tls := range map[string]TLS{"an unknown authority": {}, "another name": {CACert: ca, ServerName: "other.example"}} {
		err := open(tls)
		if !errors.Is(err, providers.ErrUnavailable) || !strings.Contains(say.Error(err).String(), "hint: check the store's tls options") {
			t.Errorf("%s: %v", what, err)
		}
	}
	t.Setenv("VAULT_SKIP_VERIFY", "true")
	if _, err := (&Config{Address: srv.URL}).Open(t.Context()); !errors.Is(err, providers.ErrUnsafe) {
		t.Errorf("VAULT_SKIP_VERIFY: %v, want ErrUnsafe", err)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{}, ""},
		{Config{Address: "https://vault:8200", Auth: Auth{Method: "kubernetes", Role: "r"}}, ""},
		{Config{Address: "http://127.0.0.1:8200"}, ""},
		{Config{Address: "http://[::1]:8200"}, ""},
		{Config{Address: "http://vault:8200", Plaintext: true}, ""},
		{Config{Address: "http://vault:8200"}, "plaintext"},
		{Config{Address: "vault:8200"}, "not a URL"},
		{Config{Address: "https://u:p@vault"}, "may hold a secret"},
		{Config{Address: "https://vault/?token=s"}, "may hold a secret"},
		{Config{Address: "http://vault/?token=s", Plaintext: true}, "may hold a secret"},
		{Config{Path: "a/../b"}, "path"},
		{Config{Mount: "/secret/"}, "mount"},
		{Config{Stale: -1}, "stale"},
		{Config{TLS: TLS{ClientCert: "x"}}, "go together"},
		{Config{Auth: Auth{Method: "approle"}}, "role_id"},
		{Config{Auth: Auth{Method: "kubernetes"}}, "auth.role"},
		{Config{Auth: Auth{Method: "ldap"}}, "auth.method"},
		{Config{Auth: Auth{Method: "userpass"}}, "auth.username"},
		{Config{Auth: Auth{Method: "userpass", Username: "a/b"}}, "auth.username"},
		{Config{Auth: Auth{Method: "cert"}}, "tls.client_cert"},
		{Config{Auth: Auth{Method: "aws"}}, "auth.role"},
		{Config{Auth: Auth{Method: "aws", Role: "r", Region: "a/../b"}}, "auth.region"},
		{Config{Auth: Auth{Method: "gcp"}}, "auth.role"},
		{Config{Auth: Auth{Method: "azure"}}, "auth.role"},
		{Config{Auth: Auth{Method: "jwt"}}, ""},
	} {
		err := c.config.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.config, err, c.want)
		}
	}
	c := Config{Auth: Auth{TokenFile: "token"}, TLS: TLS{CACert: "/ca.pem"}}
	c.Relative("/etc/rotate")
	if c.Auth.TokenFile != "/etc/rotate/token" || c.TLS.CACert != "/ca.pem" {
		t.Errorf("%+v", c)
	}
	if got := (&Config{Address: "https://v", Path: "rotate"}).Where("a"); got != "secret/rotate/a in https://v" {
		t.Errorf("it is at %q", got)
	}
	// Every option is told of in the schema.
	for _, typ := range []reflect.Type{reflect.TypeFor[Config](), reflect.TypeFor[Auth](), reflect.TypeFor[TLS]()} {
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Type.Kind() == reflect.Interface {
				continue // Transport, which no config can name
			}
			if f.Tag.Get("yaml") == "" || f.Tag.Get("doc") == "" && f.Type.Kind() != reflect.Struct {
				t.Errorf("%s.%s has no yaml or doc", typ, f.Name)
			}
		}
	}
}

// Nothing listens there: the write was never sent.
func TestNothingListens(t *testing.T) {
	s, v := (*store)(nil), server{}
	_, v = fakeServer(t)
	s = v.open(t, v.config(t))
	client, err := (&Config{Address: "http://127.0.0.1:1"}).client(nil)
	must(t, err)
	client.SetToken("root")
	_, err = send(t.Context(), client, s.at("data", name), nil, map[string]any{"data": 1}, true)
	if !errors.Is(err, providers.ErrUnavailable) || errors.Is(err, providers.ErrUnclear) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
}

// Any bytes come back as they were, through fields that Vault would return.
func TestFieldsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.OneOf(
			rapid.SliceOfN(rapid.Byte(), 1, 50),
			rapid.Map(rapid.SampledFrom([]string{
				`{"a":1}`, `{"a": 1}`, `{"b":1,"a":2}`, `{"a":1.0}`, `{"a":1e3}`, `{"a":9007199254740993}`, `{"a":1e400}`, `{"value":"x"}`, `{"value_base64":"AP8="}`,
				`{"_rotate":{"version":1}}`, `{"value":"x","_rotate":1}`, `{}`, `{"a":null}`, `null`, `[1]`, `"x"`, `{"a":"<&>\u2028"}`, `{"a":{"c":1,"b":2}}`, `{"a":1,"a":2}`, "{\"a\":\"\xff\"}", `{"a":1}` + "\n", `{"a":-0}`, `{"a":0.1}`,
			}), func(s string) []byte { return []byte(s) }),
		).Draw(t, "value")
		k := &vaultfake.Key{Versions: map[int]*vaultfake.Version{}}
		m := &vaultfake.Mount{Keys: map[string]*vaultfake.Key{"k": k}}
		in := roundTrip(t, map[string]any{"data": stamp{Version: 1}.beside(encode(v))})
		m.Write("k", in)
		_, reply := k.Read(1, 0)
		out := roundTrip(t, reply)
		fields := out["data"].(map[string]any)["data"].(map[string]any)
		if got := decode(fields); string(got) != string(v) {
			t.Fatalf("%q comes back as %q", v, got)
		}
		if _, genuine := stampOf(fields, 1); !genuine {
			t.Fatal("the stamp is lost")
		}
	})
}

func roundTrip(t *rapid.T, v any) (out map[string]any) {
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}
