package keyset

import "time"

// Rename gives the keyset another name. It is a transition, since renderings show the name.
// No key changes, and no mark: outputs that show the name are written, and whoever waits for
// them begins to wait anew, as after any change of theirs.
func (s *Set) Rename(name string, at time.Time) (*Set, error) {
	n, err := s.successor(1, at)
	if err != nil {
		return nil, err
	}
	n.Name = name
	return n, n.check()
}
