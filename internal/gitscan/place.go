package gitscan

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/git"
)

// A Place is where an object is known from.
type Place struct {
	Commit string    // that brought the object in; "" if no commit has it, but an index
	Path   string    // "" for a commit's message
	When   time.Time // of the commit
	Refs   []string  // from which the commit can be reached, some of them; see the constants for others
}

// What a Place's Refs say where no ref reaches the commit.
const (
	InReflog    = "reflog"      // among them a stash below the newest one
	Unreachable = "unreachable" // a dropped stash, a deleted branch, until git gc removes it
	InIndex     = "index"       // it was added, and not committed
)

// maxNamed is of how many objects at most the history is asked in one pass.
const maxNamed = 500

// locate finds out by which commits and under which paths the found objects came in.
func (p *pass) locate(ctx context.Context, root string) error {
	if len(p.found)+len(p.pointers) == 0 {
		return nil
	}
	slices.SortFunc(p.found, func(a, b Found) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
	})
	slices.SortFunc(p.pointers, func(a, b Pointer) int { return cmp.Compare(a.Object, b.Object) })
	places := map[string][]Place{}
	for _, f := range p.found {
		if f.Kind == "commit" {
			places[f.Object] = []Place{{Commit: f.Object}}
		} else {
			places[f.Object] = nil
		}
	}
	for _, l := range p.pointers[:min(len(p.pointers), maxPointers)] {
		places[l.Object] = nil
	}
	if err := p.history(ctx, places); err != nil {
		return err
	}
	p.indexes(ctx, root, places)
	refs := map[string][]string{}
	for i := range p.found {
		f := &p.found[i]
		all := places[f.Object]
		f.Places, f.More = all[:min(len(all), maxPlaces)], max(0, len(all)-maxPlaces)
		for j, place := range f.Places {
			if place.Commit == "" {
				continue
			}
			if _, known := refs[place.Commit]; !known {
				refs[place.Commit] = p.refs(ctx, place.Commit)
			}
			f.Places[j].Refs = refs[place.Commit]
		}
	}
	for i := range p.pointers {
		if all := places[p.pointers[i].Object]; len(all) > 0 {
			p.pointers[i].Path = all[0].Path
		}
	}
	return nil
}

// history asks which commits brought the objects in whose places are not known, beginning
// at every commit that is no other's parent, so that those are among them to which no
// ref leads.
func (p *pass) history(ctx context.Context, places map[string][]Place) error {
	var tips strings.Builder
	for _, id := range slices.Sorted(maps.Keys(p.tips)) {
		if p.tips[id] {
			tips.WriteString(id + "\n")
		}
	}
	if tips.Len() == 0 {
		return nil // no commit at all
	}
	var ids []string
	for id, known := range places {
		if known == nil {
			ids = append(ids, id)
		}
	}
	for some := range slices.Chunk(ids, maxNamed) {
		if err := p.broughtIn(ctx, tips.String(), some, places); err != nil {
			return err
		}
	}
	for _, all := range places {
		slices.SortStableFunc(all, func(a, b Place) int { return a.When.Compare(b.When) })
	}
	return nil
}

// broughtIn adds the places of some objects.
func (p *pass) broughtIn(ctx context.Context, tips string, some []string, places map[string][]Place) error {
	args := []string{"log", "--stdin", "--format=%x01%H %ct", "--raw", "-z", "--diff-merges=separate", "--encoding=UTF-8", "-r", "-t", "--root", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--no-notes"}
	for _, id := range some {
		args = append(args, "--find-object="+id)
	}
	cmd, err := git.Command(ctx, p.repo.Dir, p.repo.args(args...)...)
	if err != nil {
		return err
	}
	cmd.Stdin = strings.NewReader(tips)
	out, err := cmd.Output()
	if err != nil {
		return git.Said(err, nil)
	}
	var commit Place
	var to string // the id that the path that follows has in the commit
	for word := range bytes.SplitSeq(out, []byte{0}) {
		text := strings.TrimLeft(string(word), "\n")
		switch {
		case strings.HasPrefix(text, "\x01"):
			id, when, _ := strings.Cut(text[1:], " ")
			seconds, _ := strconv.ParseInt(strings.TrimSpace(when), 10, 64)
			commit, to = Place{Commit: id, When: time.Unix(seconds, 0).UTC()}, ""
		case to == "" && strings.HasPrefix(text, ":"):
			if f := strings.Fields(text); len(f) == 5 { // :MODE MODE FROM TO STATUS
				to = f[3]
			}
		case to != "":
			at := commit
			at.Path = string(word)
			if old, asked := places[to]; asked && !slices.ContainsFunc(old, func(o Place) bool { return o.Commit == at.Commit && o.Path == at.Path }) {
				places[to] = append(old, at)
			}
			to = ""
		}
	}
	return nil
}

// indexes finds objects that were added and are in no commit, in each linked work tree.
func (p *pass) indexes(ctx context.Context, root string, places map[string][]Place) {
	if p.repo.Name != "" || !slices.ContainsFunc(slices.Collect(maps.Values(places)), func(all []Place) bool { return len(all) == 0 }) {
		return
	}
	list, _ := git.Output(ctx, root, "worktree", "list", "--porcelain", "-z")
	for line := range bytes.SplitSeq(list, []byte{0}) {
		dir, ok := bytes.CutPrefix(line, []byte("worktree "))
		if !ok {
			continue
		}
		out, _ := git.Output(ctx, string(dir), "ls-files", "--stage", "-z")
		for entry := range bytes.SplitSeq(out, []byte{0}) {
			head, path, _ := bytes.Cut(entry, []byte("\t"))
			f := bytes.Fields(head)
			if len(f) != 3 {
				continue
			}
			if all, asked := places[string(f[1])]; asked && len(all) == 0 {
				places[string(f[1])] = []Place{{Path: string(path), Refs: []string{InIndex}}}
			}
		}
	}
}

// refs are some refs from which a commit can be reached, or why there are none.
func (p *pass) refs(ctx context.Context, commit string) (refs []string) {
	out, err := p.repo.output(ctx, "for-each-ref", "--contains="+commit, "--count=3", "--format=%(refname)")
	if refs = strings.Fields(string(out)); err != nil || len(refs) > 0 {
		return refs
	}
	out, err = p.repo.output(ctx, "rev-list", "--max-count=1", commit, "--not", "--all", "--reflog")
	switch {
	case err != nil:
		return nil
	case len(out) == 0:
		return []string{InReflog}
	}
	return []string{Unreachable}
}
