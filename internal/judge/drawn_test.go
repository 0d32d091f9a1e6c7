package judge_test

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// million is how many keys make judge draws of each kind that others make; ten
// times as many are rotate's own. 0 is a run of two seconds.
func million() int {
	n, _ := strconv.Atoi(os.Getenv("ROTATE_JUDGE"))
	return n
}

// oneIn is how many of the drawn keys may be called guessable.
const oneIn = 1_000_000

// TestOwnKeys: what rotate makes is fine, in every encoding.
func TestOwnKeys(t *testing.T) {
	n := max(10*million(), 6_000)
	specs := []keygen.Spec{
		{}, {Encoding: keyset.Base64}, {Encoding: keyset.Hex}, {Algorithm: keyset.HS384},
		{Algorithm: keyset.HS512, Encoding: keyset.Hex}, {Algorithm: keyset.Opaque, Prefix: "sk_live_"},
	}
	count(t, "rotate", n, func(i int) string {
		text, err := specs[i%len(specs)].Text()
		if err != nil {
			panic(err)
		}
		return string(text.Reveal())
	})
}

// TestOtherGenerators: what openssl, node and python are asked for is not
// guessable.
func TestOtherGenerators(t *testing.T) {
	n := million()
	if n == 0 {
		t.Skip("make judge")
	}
	raw := func(name string, arg ...string) io.Reader { return stream(t, name, arg...) }
	for _, g := range []struct {
		name string
		tool string
		arg  []string
	}{
		{"openssl rand -hex 32", "openssl", []string{"rand", "-hex"}},
		{"openssl rand -base64 32", "openssl", []string{"rand", "-base64"}},
		{"node randomBytes(32) hex", "node", nodeKeys("hex", n)},
		{"node randomBytes(32) base64", "node", nodeKeys("base64", n)},
		{"node randomBytes(32) base64url", "node", nodeKeys("base64url", n)},
		{"python token_hex()", "python3", pythonKeys("token_hex", n)},
		{"python token_urlsafe()", "python3", pythonKeys("token_urlsafe", n)},
		{"python token_bytes() base64", "python3", pythonKeys("token_bytes", n)},
	} {
		t.Run(g.name, func(t *testing.T) {
			if _, err := exec.LookPath(g.tool); err != nil {
				t.Skip(g.tool + " is not here")
			}
			if g.tool == "openssl" {
				bytes := raw("openssl", "rand", strconv.Itoa(32*n))
				count(t, g.name, n, serial(func() string { return opensslKey(bytes, g.arg[1]) }))
				return
			}
			lines := bufio.NewScanner(raw(g.tool, g.arg...))
			count(t, g.name, n, serial(func() string {
				if !lines.Scan() {
					panic(fmt.Sprint("no key: ", lines.Err()))
				}
				return lines.Text()
			}))
		})
	}
}

// TestShorterKeys tells how close drawn keys come, by those that are shorter: the
// share falls by half, and more, with every bit.
func TestShorterKeys(t *testing.T) {
	if million() == 0 {
		t.Skip("make judge")
	}
	for _, size := range []int{17, 18, 19, 20, 21, 24} {
		for name, encode := range map[string]func([]byte) string{"base64url": base64.RawURLEncoding.EncodeToString, "hex": hex.EncodeToString} {
			n := million() / 4
			bad := guessable(t, n, func(int) string {
				b := make([]byte, size)
				_, _ = rand.Read(b)
				return encode(b)
			})
			t.Logf("%d bytes, %s: %d of %d", size, name, bad, n)
		}
	}
}

// count fails if more keys than one in a million are guessable.
func count(t *testing.T, name string, n int, key func(i int) string) {
	t.Helper()
	begin := time.Now()
	bad := guessable(t, n, key)
	t.Logf("%s: %d of %d guessable, %v each", name, bad, n, (time.Since(begin) / time.Duration(n)).Round(time.Microsecond))
	if bad > n/oneIn {
		t.Errorf("%s: %d of %d are guessable", name, bad, n)
	}
}

// guessable judges keys on every core, and tells of each tenth of a long run.
func guessable(t *testing.T, n int, key func(i int) string) int {
	t.Helper()
	var next, bad atomic.Int64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				if n >= oneIn && i%int64(n/10) == 0 {
					t.Logf("%d of %d: %d guessable", i, n, bad.Load())
				}
				if judge.Text([]byte(key(int(i))), judge.Context{}).Verdict == judge.Guessable {
					bad.Add(1)
				}
			}
		})
	}
	all.Wait()
	return int(bad.Load())
}

// serial hands keys out one after another.
func serial(next func() string) func(int) string {
	var mu sync.Mutex
	return func(int) string {
		mu.Lock()
		defer mu.Unlock()
		return next()
	}
}

// stream is what a program writes.
func stream(t *testing.T, name string, arg ...string) io.Reader {
	t.Helper()
	cmd := exec.Command(name, arg...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return bufio.NewReaderSize(out, 1<<16)
}

// opensslKey is the next 32 bytes as openssl writes them with a flag.
func opensslKey(bytes io.Reader, flag string) string {
	b := make([]byte, 32)
	if _, err := io.ReadFull(bytes, b); err != nil {
		panic(err)
	}
	if flag == "-hex" {
		return hex.EncodeToString(b)
	}
	return base64.StdEncoding.EncodeToString(b)
}

func nodeKeys(encoding string, n int) []string {
	return []string{"-e", fmt.Sprintf(`const c = require("crypto"), out = []
for (let i = 0; i < %d; i++) out.push(c.randomBytes(32).toString(%q))
process.stdout.write(out.join("\n") + "\n")`, n, encoding)}
}

func pythonKeys(call string, n int) []string {
	encode := "secrets." + call + "()"
	if call == "token_bytes" {
		encode = "base64.b64encode(secrets.token_bytes()).decode()"
	}
	return []string{"-c", fmt.Sprintf("import base64, secrets\nfor _ in range(%d): print(%s)", n, encode)}
}
