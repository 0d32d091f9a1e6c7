package main

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// collectKeys adds the public half of every private key below a folder, under
// the name of who published it. Keys may stand inside of source code, as PEM or
// as the member n of an RSA key in JSON (RFC 7518 §6.3).
func collectKeys(dir, name string) error {
	const list = "gen/lists/public-keys.txt"
	old, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	all := strings.Split(strings.TrimSuffix(string(old), "\n"), "\n")
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, key := range keysIn(data) {
			if !slices.ContainsFunc(all, func(line string) bool { return strings.HasSuffix(line, "\t"+key) }) {
				all = append(all, name+"\t"+key)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Printf("%d keys\n", len(all))
	return os.WriteFile(list, []byte(strings.Join(all, "\n")+"\n"), 0o644)
}

var modulus = regexp.MustCompile(`"n":\s*"([\w\s-]{171,})"`)

func keysIn(data []byte) (all []string) {
	add := func(public any) {
		if der, err := x509.MarshalPKIXPublicKey(public); err == nil {
			all = append(all, base64.StdEncoding.EncodeToString(der))
		}
	}
	for _, found := range modulus.FindAllSubmatch(data, -1) {
		digits := strings.Join(strings.Fields(string(found[1])), "")
		if n, err := base64.RawURLEncoding.DecodeString(digits); err == nil {
			add(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537})
		}
	}
	for {
		i := bytes.Index(data, []byte("-----BEGIN "))
		if i < 0 {
			return all
		}
		data = data[i:]
		block, rest := pem.Decode(data)
		if block == nil {
			data = data[1:]
			continue
		}
		data = rest
		if key, ok := private(block.Bytes).(crypto.Signer); ok {
			add(key.Public())
		}
	}
}

func private(der []byte) any {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return key
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key
	}
	return nil
}
