package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// The peers, pinned; e2e/aws.sh keeps moto in the same cache.
var (
	moto   = []string{"moto-5.2.5", "moto==5.2.5", "flask==3.1.3", "flask-cors==6.0.5"}
	awscli = []string{"awscli-1.46.3", "awscli==1.46.3", "boto3==1.44.8"}
)

// errSkip is a section that this machine cannot run.
var errSkip = errors.New("skipped")

// aws is `rotate now` against the same job by aws-cli and by boto3, all on moto.
func (b *bench) aws(ctx context.Context) ([]*table, error) {
	t := newNowTable("`rotate now` on moto, against the same job by aws-cli and boto3 (internal/test/bench/peers)", "go run ./internal/test/bench -only aws")
	server, err := install(ctx, moto)
	if err == nil {
		var tools string
		tools, err = install(ctx, awscli)
		if err == nil {
			err = b.onMoto(ctx, t, server, tools)
		}
	}
	if errors.Is(err, errSkip) {
		return []*table{t.skipped(err)}, nil
	}
	return []*table{t}, err
}

// install is the bin folder of a virtual environment with these packages.
func install(ctx context.Context, what []string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "rotate-e2e", what[0])
	bin, done := filepath.Join(dir, "bin"), filepath.Join(dir, ".complete")
	if _, err := os.Stat(done); err == nil {
		return bin, nil
	}
	for _, args := range [][]string{
		{"python3", "-m", "venv", "--clear", dir},
		append([]string{filepath.Join(bin, "pip"), "install", "-q", "--disable-pip-version-check", "--retries=1"}, what[1:]...),
	} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil { //nolint:gosec // pinned above
			said := strings.Split(strings.TrimSpace(string(out)), "\n")
			return "", fmt.Errorf("%w: %s cannot be installed: %w %s", errSkip, what[0], err, said[len(said)-1])
		}
	}
	return bin, os.WriteFile(done, nil, 0o600)
}

func (b *bench) onMoto(ctx context.Context, t *table, server, tools string) error {
	address, stop, err := b.startMoto(ctx, server)
	if err != nil {
		return err
	}
	defer stop()
	env := []string{
		endpoint + address, "AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
		"PATH=" + tools + ":" + os.Getenv("PATH"),
	}
	create := command{args: []string{filepath.Join(tools, "aws"), "secretsmanager", "create-secret", "--name", "peer", "--secret-string", "old"}, env: env}
	if _, err := create.run(ctx); err != nil {
		return err
	}
	cli := command{args: []string{"internal/test/bench/peers/rotate.sh", "peer"}, env: env}
	boto := command{args: []string{filepath.Join(tools, "python3"), "internal/test/bench/peers/rotate.py", "peer"}, env: env}
	n, err := b.newNowBench(ctx, "{type: awssm, region: eu-west-1}", env, 7, []way{{"aws-cli", cli, 10}, {"boto3", boto, 0}})
	if err != nil {
		return err
	}
	theirs, err := calls(ctx, address, cli)
	if err != nil {
		return err
	}
	t.head = append(t.head, "calls of the service, rotate and aws-cli")
	for i, j := range jobs {
		ours, err := calls(ctx, address, n.now(j, n.spare()))
		if err != nil {
			return err
		}
		t.rows[i] = append(t.rows[i], fmt.Sprintf("%d, %d", ours, theirs))
	}
	return n.measure(ctx, t)
}

// endpoint is how the vendor's tools are told where the service is.
const endpoint = "AWS_ENDPOINT_URL="

// calls is how many requests c makes of the service at address.
func calls(ctx context.Context, address string, c command) (int64, error) {
	to, err := url.Parse(address)
	if err != nil {
		return 0, err
	}
	var n atomic.Int64
	on := httputil.NewSingleHostReverseProxy(to)
	counter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		on.ServeHTTP(w, r)
	}))
	defer counter.Close()
	c.env = append(slices.Clone(c.env), endpoint+counter.URL)
	_, err = c.run(ctx)
	return n.Load(), err
}

// startMoto starts the server on a free port of the loopback.
func (b *bench) startMoto(ctx context.Context, bin string) (address string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	host := l.Addr().String()
	_, port, _ := net.SplitHostPort(host)
	_ = l.Close()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "moto_server"), "-H", "127.0.0.1", "-p", port) //nolint:gosec // pinned above
	cmd.Dir, cmd.Env = b.dir, append(os.Environ(), "HOME="+b.dir)
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	for range 300 {
		if c, err := net.Dial("tcp", host); err == nil {
			_ = c.Close()
			return "http://" + host, stop, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	stop()
	return "", nil, fmt.Errorf("%w: moto does not start", errSkip)
}
