package main

import (
	"bufio"
	"compress/gzip"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/keyrotate/rotate/internal/judge"
	"github.com/keyrotate/rotate/internal/judge/rice"
)

// makeKnown packs the sets in the order that judge reads them in.
func makeKnown() error {
	collected, err := collectedSecrets()
	if err != nil {
		return err
	}
	defaults, err := second("gen/lists/defaults.txt")
	if err != nil {
		return err
	}
	passwords, err := lines("gen/lists/passwords.txt")
	if err != nil {
		return err
	}
	keys, err := second("gen/lists/public-keys.txt")
	if err != nil {
		return err
	}
	for i, d := range defaults {
		defaults[i] = unescape(d)
	}
	fmt.Printf("%d collected, %d defaults, %d passwords, %d keys\n", len(collected), len(defaults), len(passwords), len(keys))
	return write("known.rice", rice.Pack(both(collected), both(defaults), digests(passwords), ders(keys)))
}

// both are the hashes of texts, and of the bytes of those that are encoded ones.
func both(texts []string) (all []uint64) {
	for _, t := range texts {
		all = append(all, judge.KnownHash(judge.KindText, t))
		for _, b := range bytesOf(t) {
			all = append(all, judge.KnownHash(judge.KindBytes, b))
		}
	}
	return all
}

// bytesOf is what a text decodes to if it is long enough to be a key of its own.
// A base64 text of letters alone is more likely to be no base64 at all.
func bytesOf(text string) (all []string) {
	const least = 16
	text = strings.TrimPrefix(text, "base64:")
	if b, err := hex.DecodeString(text); err == nil && len(b) >= least {
		return []string{string(b)}
	}
	code := strings.TrimRight(text, "=")
	enc := base64.RawStdEncoding
	if strings.ContainsAny(code, "-_") {
		enc = base64.RawURLEncoding
	}
	if b, err := enc.DecodeString(code); err == nil && len(b) >= least && strings.ContainsAny(text, "0123456789+/-_=") {
		all = append(all, string(b))
	}
	return all
}

// digests are those that people take for a key: of a password, without a salt.
func digests(passwords []string) (all []uint64) {
	for _, p := range passwords {
		m, s, s2, s5 := md5.Sum([]byte(p)), sha1.Sum([]byte(p)), sha256.Sum256([]byte(p)), sha512.Sum512([]byte(p))
		for _, sum := range [][]byte{m[:], s[:], s2[:], s5[:]} {
			all = append(all, judge.KnownHash(judge.KindBytes, string(sum)))
		}
	}
	return all
}

func ders(keys []string) (all []uint64) {
	for _, k := range keys {
		der, err := base64.StdEncoding.DecodeString(k)
		if err != nil {
			panic(err)
		}
		all = append(all, judge.KnownHash(judge.KindBytes, string(der)))
	}
	return all
}

// collectedSecrets is the list of wallarm/jwt-secrets, which has Windows line
// ends.
func collectedSecrets() (all []string, err error) {
	f, err := os.Open("gen/lists/known-jwt-secrets.txt.gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	s := bufio.NewScanner(z)
	for s.Scan() {
		if t := strings.TrimSuffix(s.Text(), "\r"); t != "" {
			all = append(all, t)
		}
	}
	return all, s.Err()
}

// lines are those of a file that hold something.
func lines(name string) (all []string, err error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if line != "" && !strings.HasPrefix(line, "# ") {
			all = append(all, line)
		}
	}
	return all, nil
}

// second is what stands after the tab of each line.
func second(name string) (all []string, err error) {
	whole, err := lines(name)
	for _, line := range whole {
		if _, text, ok := strings.Cut(line, "\t"); ok {
			all = append(all, text)
		}
	}
	return all, err
}

func unescape(s string) string {
	return strings.NewReplacer(`\n`, "\n", `\xec`, "\xec", `\x01`, "\x01", `\x02`, "\x02").Replace(s)
}
