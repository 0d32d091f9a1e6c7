//go:build unix && !linux

package file

import "errors"

func childFullDisk(string) error { return errors.New("needs Linux") }
