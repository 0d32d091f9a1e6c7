package ops

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/gitscan"
	"github.com/keyrotate/rotate/internal/traces"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// GitSchema names the form of a GitChecked. Members may be added to it.
const GitSchema = "rotate/check-git/v1"

// A GitChecked is what a Git repository has of the keys of a config, as
// `rotate check --git -o json` prints it. It holds no part of a key.
type GitChecked struct {
	Schema     string          `json:"schema"`                // rotate/check-git/v1
	At         time.Time       `json:"at"`                    // when the repository had been read
	Attention  bool            `json:"attention"`             // a key was found, could not be looked for, or would be committed; the exit code is 3, or 1 if a key could not be read
	Repository string          `json:"repository"`            // path of the work tree
	Objects    int             `json:"objects"`               // that were read, those of submodules included
	Keys       int             `json:"keys"`                  // kids that were looked for
	Found      []GitFound      `json:"found"`                 // by object and line
	Files      []GitFile       `json:"files"`                 // .env files, private keys and key folders, and what Git does with them
	Unread     []GitUnread     `json:"unread"`                // what was not read
	MoreUnread int             `json:"more_unread,omitempty"` // files of LFS that are not listed
	Unsearched []GitUnsearched `json:"unsearched"`            // kids that were not looked for
}

// A GitFound is a place in a repository that holds a key.
type GitFound struct {
	Key        string     `json:"key"`                                      // of the config
	Kid        string     `json:"kid"`                                      // of the key that was found
	Status     string     `json:"status" enum:"current,next,previous,gone"` // of the key
	Burnt      bool       `json:"burnt"`                                    // what signs was found, or a private key beside the public half: replace it
	Public     bool       `json:"public"`                                   // only the public half or the kid was found
	Form       string     `json:"form"`                                     // how it was read: as it stands, hex, base64, or one in the other
	Repository string     `json:"repository,omitempty"`                     // name of the submodule; absent for the repository itself
	Object     string     `json:"object"`                                   // id of the object
	Kind       string     `json:"kind" enum:"blob,tree,commit,tag"`         // of the object
	Line       int        `json:"line"`                                     // of the object, from 1
	Places     []GitPlace `json:"places"`                                   // commits that brought the object in, the oldest first; none if no commit has it
	More       int        `json:"more,omitempty"`                           // places that are not listed
}

// A GitPlace is how an object came into a repository.
type GitPlace struct {
	Commit string     `json:"commit,omitempty"` // absent where it was added and not committed
	Path   string     `json:"path,omitempty"`   // absent for the message of a commit
	When   *time.Time `json:"when,omitempty"`   // of the commit
	Refs   []string   `json:"refs"`             // that lead there, three at most; or reflog, unreachable, index
}

// A GitFile is a file or a folder in which keys usually lie.
type GitFile struct {
	Path    string `json:"path"`    // below the work tree, or *.pem
	Tracked bool   `json:"tracked"` // the next commit has it
	Ignored bool   `json:"ignored"` // git add passes over it
	Exists  bool   `json:"exists"`  // it is there
	Open    bool   `json:"open"`    // a commit has it, or would take it in
}

// A GitUnread is something that was not read.
type GitUnread struct {
	Why        string `json:"why" enum:"lfs,submodule,shallow,partial,key"` // a file of LFS; a submodule that is not here; history or objects that were not fetched; a key of the config
	Name       string `json:"name"`                                         // path of the file or the submodule, or name of the key
	Repository string `json:"repository,omitempty"`                         // name of the submodule that it lies in
	Error      string `json:"error,omitempty"`                              // of a key: why, in words

	Err error `json:"-"` // Error as data
}

// A GitUnsearched is a key that was not looked for: it would be found where it is not.
type GitUnsearched struct {
	Key string `json:"key"` // of the config
	Kid string `json:"kid"` // that is shorter than 12 bytes, or has too few different ones
}

// A sought key is one that is looked for.
type sought struct {
	key, kid, status string
}

// CheckGit looks for the live keys of a config, and for what is known of retired ones, in
// every object of the Git repository that dir lies in. progress may be nil. A key that
// cannot be read is told as unread, and the others are looked for.
func (h *Host) CheckGit(ctx context.Context, keys []*fleet.Key, dir string, progress func(done, all int)) (GitChecked, error) {
	c := GitChecked{Schema: GitSchema, Found: []GitFound{}, Files: []GitFile{}, Unread: []GitUnread{}, Unsearched: []GitUnsearched{}}
	root, err := gitscan.Root(ctx, dir)
	if err != nil {
		return c, err
	}
	c.Repository = root
	var parts [][]traces.Part
	var all []sought
	for o := range Each(ctx, keys, AtOnce, readSet) {
		if o.Err != nil {
			c.Unread = append(c.Unread, GitUnread{Why: "key", Name: o.Key.Name, Error: o.Err.Error(), Err: o.Err})
			continue
		}
		for s, p := range soughtOf(o.Key.Name, o.Got) {
			all, parts = append(all, s), append(parts, p)
		}
	}
	c.Keys = len(all)
	finder, unsearched, err := traces.New(parts)
	if err != nil {
		return c, err
	}
	for _, i := range unsearched {
		c.Unsearched = append(c.Unsearched, GitUnsearched{Key: all[i].key, Kid: all[i].kid})
	}
	report, err := gitscan.Scan(ctx, root, finder, progress)
	if err != nil {
		return c, err
	}
	files, err := gitscan.Guard(ctx, root, foldersOf(keys))
	if err != nil {
		return c, err
	}
	c.fill(report, files, all)
	c.At = h.Now().UTC().Truncate(time.Second)
	return c, nil
}

// soughtOf yields what there is to look for of a key: its live keys, and the kids of
// those that are gone.
func soughtOf(name string, set *keyset.Set) func(func(sought, []traces.Part) bool) {
	return func(yield func(sought, []traces.Part) bool) {
		for _, k := range set.Keys {
			if !yield(sought{name, k.Kid, string(k.Status)}, traces.OfKey(k)) {
				return
			}
		}
		var gone []string
		for _, g := range set.Gone {
			gone = append(gone, g.Kid)
		}
		for _, kid := range slices.Compact(slices.Sorted(slices.Values(append(gone, set.Revoked...)))) {
			if parts := traces.OfKid(kid); parts != nil && !yield(sought{name, kid, "gone"}, parts) {
				return
			}
		}
	}
}

// foldersOf are the folders of stores that are files.
func foldersOf(keys []*fleet.Key) (all []string) {
	for _, k := range keys {
		if where := k.Where(); filepath.IsAbs(where) && !slices.Contains(all, filepath.Dir(where)) {
			all = append(all, filepath.Dir(where))
		}
	}
	return all
}

// fill takes over what was found.
func (c *GitChecked) fill(report gitscan.Report, files []gitscan.Guarded, all []sought) {
	for _, r := range report.Repositories {
		c.Objects += r.Objects
		name := r.Name
		if name == "" {
			name = c.Repository
		}
		if r.Shallow {
			c.Unread = append(c.Unread, GitUnread{Why: "shallow", Name: name})
		}
		if r.Partial {
			c.Unread = append(c.Unread, GitUnread{Why: "partial", Name: name})
		}
	}
	for _, name := range report.Absent {
		c.Unread = append(c.Unread, GitUnread{Why: "submodule", Name: name})
	}
	for _, p := range report.Pointers {
		name := p.Path
		if name == "" {
			name = p.Object
		}
		c.Unread = append(c.Unread, GitUnread{Why: "lfs", Name: name, Repository: p.Repository})
	}
	c.MoreUnread = report.MorePointers
	for _, f := range report.Found {
		s := all[f.Key]
		found := GitFound{
			Key: s.key, Kid: s.kid, Status: s.status, Burnt: !f.Public || f.Beside && s.status != "gone", Public: f.Public, Form: f.Form,
			Repository: f.Repository, Object: f.Object, Kind: f.Kind, Line: f.Line, Places: []GitPlace{}, More: f.More,
		}
		for _, p := range f.Places {
			found.Places = append(found.Places, GitPlace{Commit: p.Commit, Path: p.Path, When: when(p.When), Refs: append([]string{}, p.Refs...)})
		}
		c.Found = append(c.Found, found)
		c.Attention = c.Attention || found.Burnt
	}
	for _, g := range files {
		c.Files = append(c.Files, GitFile{Path: g.Path, Tracked: g.Tracked, Ignored: g.Ignored, Exists: g.Exists, Open: g.Open()})
		c.Attention = c.Attention || g.Open()
	}
	c.Attention = c.Attention || len(c.Unsearched) > 0
}

// Failed is the errors of keys that could not be read.
func (c *GitChecked) Failed() (errs []error) {
	for _, u := range c.Unread {
		if u.Err != nil {
			errs = append(errs, u.Err)
		}
	}
	return errs
}
