//go:build unix

package file

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/keyrotate/rotate/providers"
)

// OpenOutput opens the directory for renderings. It is not made by the first
// write if it has to hold a file of a certain name: that is the application's.
//
// Renderings differ from the files of keysets in three ways. A keyset's file is the
// truth, so its loss is an alarm; a rendering that was lost is written anew.
// A rendering can be a key and nothing else, so its revision ids say nothing of
// the value, and are drawn anew for each write: a value that comes back is not
// taken for the one that was seen before. And what lies where rotate wrote
// before belongs to rotate, whoever changed it since.
//
// Of a public one, Git may have the file, and everyone may read it if no mode is
// set.
func (c Config) OpenOutput(ctx context.Context, o providers.Rendering) (providers.Store, error) {
	keepMode := c.Mode == ""
	if o.Public && c.Mode == "" {
		c.Mode = "0644"
	}
	opened, err := c.open(ctx, o)
	if err != nil {
		return nil, err
	}
	out := &output{store: opened, vars: o.Variables, public: o.Public, keepMode: keepMode, salt: make([]byte, 32)}
	if o.Name != "" {
		out.there.Store(true)
		out.ready.Store(true)
	}
	_, err = rand.Read(out.salt)
	return out, err
}

// output implements providers.Store over renderings.
type output struct {
	*store
	vars     []string
	public   bool
	keepMode bool   // of a file that is there, since the config names none
	salt     []byte // of the ids of values that rotate did not write
}

// Traits implements providers.Store.
func (o *output) Traits() providers.Traits {
	takes, rule := o.names()
	return providers.Traits{
		Type: "file", MaxValue: maxValue, OneValue: true,
		TakesName: takes, NameRule: rule,
		Erases:  providers.Unlinked,
		Remains: o.store.Traits().Remains,
		Notes: []string{
			"A file that was lost is written anew: it is a rendering, not the truth.",
			"What lies where rotate wrote before is rotate's: a change by hand is undone.",
		},
	}
}

// A sidecar is what lies beside a rendering: the id of the last write, what
// tells whether the value is still of that write, whose it is, and whether its
// readers were made to read it.
type sidecar struct {
	Write string `json:"write"`
	Check string `json:"check"`
	Note  note   `json:"note"`
	Read  bool   `json:"read,omitempty"` // see NoteRead
}

// check names a value for those who know the salt and the value.
func check(salt, value []byte) string {
	h := hmac.New(sha256.New, salt)
	h.Write(value)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// of tells whether a value is the one that was written last.
func (s sidecar) of(value []byte) bool {
	return s.Write != "" && s.Check == check([]byte(s.Write), value)
}

// A found is a file as it was found: its revision and all of its text.
type found struct {
	providers.Revision
	text  []byte
	there bool // is there a file? It may have no value of ours
	moves bool // the sidecar is still where an earlier version kept it
	perm  fs.FileMode
	gid   int
}

// Read implements providers.Store.
func (o *output) Read(ctx context.Context, name string) (_ providers.Revision, err error) {
	defer dress(&err, "read", name)
	p, err := o.enter(ctx, name, false)
	if err != nil {
		return providers.Revision{}, err
	}
	f, err := o.find(p)
	if err == nil && f.ID == "" {
		err = &providers.Error{Kind: providers.ErrNotFound}
	}
	return f.Revision, err
}

// find reads the file. Its revision is the zero one where no value is there.
func (o *output) find(p place) (found, error) {
	side, err := readSidecar(p.witness)
	if err != nil {
		return found{}, err
	}
	text, info, err := load(p.head, o.mode)
	if errors.Is(err, fs.ErrNotExist) {
		return found{}, nil
	}
	if err != nil {
		return found{}, err
	}
	if err := o.replaceable(p.head, info, text); err != nil {
		return found{}, err
	}
	value := text
	if o.vars != nil {
		if value, err = variables(text, o.vars); err != nil {
			return found{}, unsafe(fmt.Errorf("%s:%w", p.head, err), "mend that line; nothing was changed")
		}
	}
	f := found{text: text, there: true, perm: info.Mode().Perm(), gid: int(info.Sys().(*syscall.Stat_t).Gid)}
	if len(value) == 0 {
		return f, nil
	}
	if side.Write == "" && p.former != "" {
		// Another output may have left that one, so it counts only for what it was
		// written with.
		if former, err := readSidecar(p.former); err == nil && former.of(value) {
			side, f.moves = former, true
		}
	}
	f.Revision = providers.Revision{
		ID: providers.RevisionID("unwritten-" + check(o.salt, value)), Value: providers.NewSecret(value),
		// guard 6: a file output tells the generation that was written to it
		Note:    providers.Note(side.Note),
		Created: info.ModTime(),
	}
	if side.of(value) {
		f.ID, f.WasRead = providers.RevisionID(side.Write), side.Read
	}
	return f, nil
}

// readSidecar returns the zero sidecar where there is none.
func readSidecar(path string) (side sidecar, err error) {
	text, _, err := load(path, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return sidecar{}, nil
	}
	if err != nil {
		return sidecar{}, err
	}
	if err := json.Unmarshal(text, &side); err != nil || side.Write == "" {
		return sidecar{}, &providers.Error{
			Kind: providers.ErrUnreadable, Err: fmt.Errorf("%s is damaged", path),
			Hint: "rm " + path + ": if what it belonged to is the newest rendering, rotate takes it for its own again",
		}
	}
	return side, nil
}

// Write implements providers.Store.
func (o *output) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (_ providers.Revision, err error) {
	defer dress(&err, "write", name)
	p, err := o.enter(ctx, name, true)
	if err != nil {
		return providers.Revision{}, err
	}
	if !o.public {
		if err := o.outOfGit(ctx, name); err != nil {
			return providers.Revision{}, err
		}
	}
	unlock, err := p.locked(ctx)
	if err != nil {
		return providers.Revision{}, err
	}
	defer unlock()
	head, err := o.held(p, after)
	if err != nil {
		return providers.Revision{}, err
	}
	return o.put(ctx, p, head, v, n)
}

// locked holds the lock of a place, in a folder that it makes.
func (p place) locked(ctx context.Context) (unlock func(), err error) {
	if err := p.makeHelpers(); err != nil {
		return nil, err
	}
	return lock(ctx, p.lock)
}

func tooLarge(n int) error {
	return &providers.Error{Kind: providers.ErrTooLarge, Err: fmt.Errorf("%d bytes of at most %d", n, maxValue)}
}

// held returns what is there, if the caller saw the same. It also clears what a
// killed writer left. The caller holds the lock.
func (o *output) held(p place, saw providers.RevisionID) (found, error) {
	if err := errors.Join(remove(p.temp), remove(p.sideTemp())); err != nil {
		return found{}, err
	}
	head, err := o.find(p)
	if err == nil && head.ID != saw {
		err = &providers.Error{Kind: providers.ErrConflict}
	}
	return head, err
}

// sideTemp is where the next sidecar is written.
func (p place) sideTemp() string { return p.temp + "-note" }

// put writes the sidecar and then the file. The caller holds the lock.
//
// Both are written in full, the file with all that the old one had, before either
// is put in place: what cannot be done leaves all as it was. The sidecar is put
// there first: after a crash between the two it says that the place is rotate's
// and that the value is not of the last write, so the next pass writes again. The
// other way round, the value would be a stranger's.
func (o *output) put(ctx context.Context, p place, head found, v providers.Secret, n providers.Note) (rev providers.Revision, err error) {
	text := v.Reveal()
	if o.vars != nil {
		if text, err = withVariables(head.text, o.vars, v.Reveal()); err != nil {
			return rev, unsafe(fmt.Errorf("%s:%w", p.head, err), "mend that line; nothing was changed")
		}
		if len(text) > maxValue {
			return rev, tooLarge(len(text))
		}
	}
	side := sidecar{Write: rand.Text(), Note: note(n)}
	side.Check = check([]byte(side.Write), v.Reveal())
	beside, err := json.Marshal(side)
	if err != nil {
		return rev, err
	}
	mode, gid, dress := o.like(p.head, head)
	made, err := fill(p.temp, text, mode, gid, dress)
	if err == nil {
		_, err = fill(p.sideTemp(), beside, 0o600, -1)
	}
	if err == nil {
		err = o.lastLook(ctx, p, head)
	}
	if err == nil {
		err = putSide(p, head)
	}
	if err != nil {
		_, _ = os.Remove(p.temp), os.Remove(p.sideTemp()) // if this fails, the next call clears them
		return rev, err
	}
	if renamed, err := replace(p.temp, p.head); err != nil {
		if renamed {
			return rev, unclear(err)
		}
		return rev, err
	}
	return providers.Revision{ID: providers.RevisionID(side.Write), Value: v, Note: n, Created: made}, nil
}

// lastLook is the last moment to stop: for who cancels, and for people, who take no
// lock when they edit the rest of a .env file.
func (o *output) lastLook(ctx context.Context, p place, head found) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	text, _, err := load(p.head, o.mode)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !head.there:
		return nil
	case err == nil && head.there && bytes.Equal(text, head.text):
		return nil
	case err == nil || errors.Is(err, fs.ErrNotExist):
		return &providers.Error{Kind: providers.ErrConflict, Err: fmt.Errorf("%s was changed while it was to be replaced", p.head)}
	}
	return err
}

// putSide puts the sidecar in place, and takes away one that lies where an earlier
// version kept it: it would be taken for another output's.
func putSide(p place, head found) error {
	if _, err := replace(p.sideTemp(), p.witness); err != nil || !head.moves {
		return err
	}
	return remove(p.former)
}

// Probe implements what store.Probe does, and looks at the file as well.
func (o *output) Probe(ctx context.Context) (err error) {
	if err := o.store.Probe(ctx); err != nil || o.only == "" {
		return err
	}
	defer dress(&err, "probe", o.only)
	p, err := o.enter(ctx, o.only, false)
	if err != nil {
		return err
	}
	return o.probeFile(p)
}

// History implements providers.Store: the head, if there is one.
func (o *output) History(ctx context.Context, name string) (_ []providers.Revision, err error) {
	defer dress(&err, "history", name)
	p, err := o.enter(ctx, name, false)
	if err != nil {
		return nil, none(err)
	}
	if err := clearTemp(ctx, p); err != nil {
		return nil, err
	}
	f, err := o.find(p)
	if err != nil || f.ID == "" {
		return nil, none(err)
	}
	f.Value = providers.Secret{}
	return []providers.Revision{f.Revision}, nil
}

// clearTemp removes what a killed writer left; where one is at work it waits.
func clearTemp(ctx context.Context, p place) error {
	_, text := os.Lstat(p.temp)
	_, side := os.Lstat(p.sideTemp())
	if text != nil && side != nil {
		return nil
	}
	unlock, err := p.locked(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return errors.Join(remove(p.temp), remove(p.sideTemp()))
}

// Erase implements providers.Store: the rename of the next write has unlinked
// what is superseded.
func (o *output) Erase(ctx context.Context, name string, id, head providers.RevisionID) (_ providers.Erasure, err error) {
	defer dress(&err, "erase", name)
	p, err := o.enter(ctx, name, false)
	if err != nil {
		return providers.Erasure{}, err
	}
	unlock, err := p.locked(ctx)
	if err != nil {
		return providers.Erasure{}, err
	}
	defer unlock()
	if _, err := o.held(p, head); err != nil {
		return providers.Erasure{}, err
	}
	if id == head {
		return providers.Erasure{}, &providers.Error{Kind: providers.ErrConflict}
	}
	return providers.Erasure{How: providers.Unlinked}, nil
}

// Remove takes the rendering away: the variables, or the whole file, and then
// what lies beside it. Taking away what is not there succeeds.
func (o *output) Remove(ctx context.Context, name string, head providers.RevisionID) (err error) {
	defer dress(&err, "remove", name)
	p, err := o.enter(ctx, name, false)
	if err != nil {
		return none(err)
	}
	unlock, err := p.locked(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	f, err := o.held(p, head)
	if err != nil {
		return err
	}
	rest, err := f.text, error(nil)
	if o.vars != nil {
		rest, err = withoutVariables(f.text, o.vars)
	}
	switch {
	case err != nil:
		return unsafe(fmt.Errorf("%s:%w", p.head, err), "mend that line; nothing was changed")
	case o.vars == nil || len(rest) == 0:
		err = remove(p.head)
	case len(rest) < len(f.text):
		_, _, dress := o.like(p.head, f)
		if _, err = fill(p.temp, rest, f.perm, f.gid, dress); err == nil {
			var renamed bool
			if renamed, err = replace(p.temp, p.head); renamed && err != nil {
				err = unclear(err)
			}
		}
	}
	if f.moves {
		err = errors.Join(err, remove(p.former))
	}
	// The lock file stays, as with keysets: another may be waiting for it.
	if err := errors.Join(err, remove(p.witness)); err != nil {
		return err
	}
	if err := syncDir(p.dirs[len(p.dirs)-1]); err != nil {
		return unclear(err) // it is gone, until a power cut brings it back
	}
	return nil
}
