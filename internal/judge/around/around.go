// Package around finds the names that people make secrets from, where rotate runs:
// in the environment, the host, and the project of a folder.
package around

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyrotate/rotate/internal/judge"
)

// Where names come from.
const (
	fromHost   = "host name"
	fromUser   = "user name"
	fromFolder = "name of the folder"
	fromGit    = "Git remote"
	fromModule = "module path"
	fromEnv    = "environment"
)

// variables are those that name an application, its host or its owner.
var variables = []string{
	"APP_NAME", "APP_URL", "APP_HOST", "BASE_URL", "COMPOSE_PROJECT_NAME", "DB_DATABASE", "DB_NAME", "DOMAIN",
	"GITHUB_REPOSITORY", "CI_PROJECT_PATH", "HOST", "HOSTNAME", "NEXTAUTH_URL", "POSTGRES_DB", "PROJECT_NAME",
	"SERVICE_NAME", "SITE_NAME", "VIRTUAL_HOST",
}

// Names reads what a folder and the folders above it say, up to the root of its
// Git work tree. It never fails: what cannot be read has no names. lookup is
// os.LookupEnv, host the answer of os.Hostname.
func Names(dir, host string, lookup func(string) (string, bool)) []judge.Name {
	names := []judge.Name{{Text: host, From: fromHost}}
	add := func(text, from string) {
		if text != "" {
			names = append(names, judge.Name{Text: text, From: from})
		}
	}
	for _, v := range variables {
		text, _ := lookup(v)
		add(text, fromEnv+": "+v)
	}
	for _, v := range []string{"USER", "LOGNAME"} {
		text, _ := lookup(v)
		add(text, fromUser)
	}
	for ; ; dir = filepath.Dir(dir) {
		for _, path := range modules(dir) {
			add(path, fromModule)
		}
		remotes, isRoot := gitRemotes(dir)
		for _, r := range remotes {
			add(r, fromGit)
		}
		if isRoot || dir == filepath.Dir(dir) {
			add(filepath.Base(dir), fromFolder)
			return names
		}
	}
}

// modules are what a project calls itself, in the files of Go, npm, PHP, Rust and
// Python.
func modules(dir string) (names []string) {
	for _, file := range []string{"package.json", "composer.json"} {
		var doc struct {
			Name string `json:"name"`
		}
		if data, err := os.ReadFile(filepath.Join(dir, file)); err == nil && json.Unmarshal(data, &doc) == nil {
			names = append(names, doc.Name)
		}
	}
	for _, f := range []struct{ file, before string }{{"go.mod", "module "}, {"Cargo.toml", "name = "}, {"pyproject.toml", "name = "}} {
		data, err := os.ReadFile(filepath.Join(dir, f.file))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), f.before); ok {
				names = append(names, strings.Trim(rest, `"' `))
				break
			}
		}
	}
	return names
}

// gitRemotes are the hosts and paths of the remotes of a work tree whose root is
// dir; isRoot tells whether it is one.
func gitRemotes(dir string) (names []string, isRoot bool) {
	git := filepath.Join(dir, ".git")
	if _, err := os.Lstat(git); err != nil {
		return nil, false
	}
	data, err := os.ReadFile(filepath.Join(git, "config"))
	if err != nil {
		return nil, true // a submodule, or a second work tree: its remotes are elsewhere
	}
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		key, value, ok := strings.Cut(s.Text(), "=")
		if ok && strings.TrimSpace(key) == "url" {
			names = append(names, remote(strings.TrimSpace(value)))
		}
	}
	return names, true
}

// remote is a URL without what may be a password in it.
func remote(text string) string {
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		return u.Hostname() + strings.TrimSuffix(u.Path, ".git")
	}
	if _, after, ok := strings.Cut(text, "@"); ok { // git@host:path
		text = after
	}
	return strings.TrimSuffix(text, ".git")
}
