package ops

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/keyrotate/rotate/internal/fleet"
	"github.com/keyrotate/rotate/internal/stores"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/engine"
)

// InventorySchema names the form of an Inventory. Members may be added to it; a change
// of one that exists gets a new name.
const InventorySchema = "rotate/inventory/v1"

// An Inventory is the keys of a config and where they are, as `rotate inventory -o json`
// prints it. Times are RFC 3339 in UTC; an absent member is not known, or does not apply.
// It never holds material, and names of people and accounts only if Principals.
type Inventory struct {
	Schema      string          `json:"schema"`      // rotate/inventory/v1
	At          time.Time       `json:"at"`          // of the answer
	Environment string          `json:"environment"` // of the config
	Principals  bool            `json:"principals"`  // --principals was given: readers are told
	Attention   bool            `json:"attention"`   // a key or who reads it could not be looked at; the exit code is 3
	Keys        []InventoryItem `json:"keys"`        // by name
}

// An InventoryItem is one key.
type InventoryItem struct {
	Key       string            `json:"key"`                // as the config calls it
	Purpose   string            `json:"purpose,omitempty"`  // what it is for, as the config says
	Owner     string            `json:"owner,omitempty"`    // who answers for it, as the config says
	Store     string            `json:"store"`              // name of the store that it lives in
	Address   string            `json:"address"`            // exact place of its keyset
	Algorithm string            `json:"algorithm"`          // of the key that signs now; of the config where there is none
	Schedule  string            `json:"schedule"`           // when it is rotated: cron text, every 90d, or manual
	Made      *time.Time        `json:"made,omitempty"`     // when the key that signs now was made
	Signs     *time.Time        `json:"signs,omitempty"`    // since when it signs: the last rotation
	AgeDays   *int              `json:"age_days,omitempty"` // since it was made
	Outputs   []InventoryOutput `json:"outputs"`            // further places that have it
	Readers   *InventoryReaders `json:"readers,omitempty"`  // of the keyset, with --principals
	Error     string            `json:"error,omitempty"`    // why the key could not be looked at, in words
	Missing   bool              `json:"missing,omitempty"`  // there is no key yet
}

// An InventoryOutput is one output of a key.
type InventoryOutput struct {
	Place   string            `json:"place"`             // STORE SECRET, or the path of a file
	Format  string            `json:"format"`            // such as env
	Readers *InventoryReaders `json:"readers,omitempty"` // with --principals
}

// InventoryReaders are who may read a secret, as far as its store tells.
type InventoryReaders struct {
	Known  []InventoryReader `json:"known"`           // those that a policy of the secret lets read
	Unseen []string          `json:"unseen"`          // what else can let somebody read, and could not be looked at
	Error  string            `json:"error,omitempty"` // why nothing could be looked at, in words
}

// An InventoryReader is one that may read.
type InventoryReader struct {
	Who string `json:"who"` // as the service calls it
	By  string `json:"by"`  // what lets it
}

// Inventory looks at keys and, with principals, at who may read them and their outputs.
// What cannot be looked at is told in it.
func (h *Host) Inventory(ctx context.Context, keys []*fleet.Key, principals bool) Inventory {
	all := Inventory{Schema: InventorySchema, At: h.Now().UTC().Truncate(time.Second), Environment: keys[0].Environment, Principals: principals, Keys: []InventoryItem{}}
	for o := range Each(ctx, keys, AtOnce, func(ctx context.Context, k *fleet.Key) (InventoryItem, error) { return h.item(ctx, k, principals), nil }) {
		item := o.Got
		if o.Err != nil {
			item.Key, item.Outputs, item.Error = o.Key.Name, []InventoryOutput{}, o.Err.Error()
		}
		all.Keys = append(all.Keys, item)
		all.Attention = all.Attention || item.alarmed()
	}
	return all
}

func (i InventoryItem) alarmed() bool {
	failed := i.Error != "" || i.Readers != nil && i.Readers.Error != ""
	for _, o := range i.Outputs {
		failed = failed || o.Readers != nil && o.Readers.Error != ""
	}
	return failed
}

func (h *Host) item(ctx context.Context, k *fleet.Key, principals bool) InventoryItem {
	i := InventoryItem{
		Key: k.Name, Purpose: k.Purpose, Owner: k.Owner, Store: k.StoreName, Address: cmp.Or(k.Where(), k.Secret),
		Algorithm: string(k.Spec.Algorithm), Schedule: scheduleOf(k), Outputs: []InventoryOutput{},
	}
	r, err := h.Certain(ctx, k, engine.Ask{})
	switch {
	case err != nil:
		i.Error = err.Error()
	case r.Set == nil:
		i.Missing = true
	default:
		key := r.Set.Signing()
		i.Algorithm, i.Made, i.Signs = string(key.Alg), when(key.Issued), when(key.NotBefore)
		days := int(h.Now().Sub(key.Issued) / (24 * time.Hour))
		i.AgeDays = &days
	}
	if principals {
		i.Readers = readers(ctx, k.Store, k.Secret)
	}
	for _, o := range k.Outputs {
		out := InventoryOutput{Place: o.Name, Format: o.Format}
		if principals {
			out.Readers = readers(ctx, o.Store, o.Secret)
		}
		i.Outputs = append(i.Outputs, out)
	}
	return i
}

// scheduleOf is when a key is rotated, as a config has it.
func scheduleOf(k *fleet.Key) string {
	switch s := k.Policy.Schedule.(type) {
	case rotation.Manual:
		return "manual"
	case rotation.Every:
		return "every " + rotation.Duration(s).String()
	}
	return k.Cron
}

// readers asks a store who may read a secret.
func readers(ctx context.Context, s providers.Store, secret string) *InventoryReaders {
	r := &InventoryReaders{Known: []InventoryReader{}, Unseen: []string{}}
	err := error(nil)
	if l, ok := s.(*stores.Lazy); ok {
		s, err = l.Open(ctx)
	}
	var found providers.Readers
	switch finder, ok := finderOf(s, err); {
	case err != nil:
	case !ok:
		r.Unseen = append(r.Unseen, "a store of this type tells nothing of its readers")
	default:
		if err = s.Traits().CheckName("inventory", secret); err == nil {
			found, err = finder.Readers(ctx, secret)
		}
	}
	if err != nil {
		r.Error = fmt.Sprint(err)
	}
	for _, one := range found.Known {
		r.Known = append(r.Known, InventoryReader{Who: one.Who, By: one.By})
	}
	r.Unseen = append(r.Unseen, found.Unseen...)
	return r
}

func finderOf(s providers.Store, err error) (providers.ReaderFinder, bool) {
	if err != nil {
		return nil, false
	}
	return providers.As[providers.ReaderFinder](s)
}
