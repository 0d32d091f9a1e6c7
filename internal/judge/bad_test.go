package judge_test

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/keyrotate/rotate/internal/judge"
)

// A maker makes bad secrets of every kind. Its words and sentences are out of this
// repository's documentation as it once was, which the judge's list was not made
// from. Its names are made up.
type maker struct {
	*rand.Rand
	prose     []string // words in the order of sentences
	passwords []string
}

// badKinds are how people make secrets, each with what surrounds the secret.
var badKinds = []struct {
	name string
	make func(m *maker) (string, judge.Context)
}{
	{"words", func(m *maker) (string, judge.Context) { return m.phrase(2+m.IntN(4), m.IntN(3) == 0), judge.Context{} }},
	{"words with a number", func(m *maker) (string, judge.Context) {
		return m.phrase(1+m.IntN(4), false) + m.number(), judge.Context{}
	}},
	{"leetspeak", func(m *maker) (string, judge.Context) {
		return leeted(m, m.phrase(2+m.IntN(2), false)), judge.Context{}
	}},
	{"names that are known", (*maker).named},
	{"names that are not", func(m *maker) (string, judge.Context) {
		return m.styled([]string{m.invent(), m.word(), m.invent()}) + m.number(), judge.Context{}
	}},
	{"keyboard walks", func(m *maker) (string, judge.Context) { return m.walk(), judge.Context{} }},
	{"repetitions", (*maker).repeated},
	{"sequences", func(m *maker) (string, judge.Context) { return m.sequence(), judge.Context{} }},
	{"dates", func(m *maker) (string, judge.Context) { return m.dates(), judge.Context{} }},
	{"e-mail addresses", func(m *maker) (string, judge.Context) { return m.email(), judge.Context{} }},
	{"sentences", func(m *maker) (string, judge.Context) { return m.sentence(), judge.Context{} }},
	{"constants", func(m *maker) (string, judge.Context) { return m.constant(), judge.Context{} }},
	{"UUIDs", func(m *maker) (string, judge.Context) { return m.uuid(), judge.Context{} }},
	{"hashes of passwords", func(m *maker) (string, judge.Context) { return m.digest(), judge.Context{} }},
	{"short random", func(m *maker) (string, judge.Context) { return m.short(), judge.Context{} }},
	{"few characters", func(m *maker) (string, judge.Context) { return m.few(), judge.Context{} }},
	{"bytes with a pattern", func(m *maker) (string, judge.Context) { return m.patternBytes(), judge.Context{} }},
	{"known ones, changed a little", func(m *maker) (string, judge.Context) { return m.changed(), judge.Context{} }},
}

func newMaker(t testing.TB, seed uint64) *maker {
	t.Helper()
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 14))}
	prose, err := os.ReadFile("testdata/prose.txt")
	if err != nil {
		t.Fatal(err)
	}
	m.prose = strings.Fields(string(prose))
	data, err := os.ReadFile("gen/lists/passwords.txt")
	if err != nil {
		t.Fatal(err)
	}
	m.passwords = strings.Fields(string(data))
	if len(m.prose) < 1000 || len(m.passwords) < 1000 {
		t.Fatalf("%d words and %d passwords are too few", len(m.prose), len(m.passwords))
	}
	return m
}

// bad makes one of a kind, three of ten times encoded.
func (m *maker) bad(kind int) (string, judge.Context) {
	text, c := badKinds[kind].make(m)
	switch m.IntN(10) {
	case 0:
		text = base64.StdEncoding.EncodeToString([]byte(text))
	case 1:
		text = base64.RawURLEncoding.EncodeToString([]byte(text))
	case 2:
		text = hex.EncodeToString([]byte(text))
	}
	return text, c
}

func pick[T any](m *maker, all ...T) T { return all[m.IntN(len(all))] }

// word is a longer one, in small letters.
func (m *maker) word() string {
	for {
		w := strings.ToLower(m.prose[m.IntN(len(m.prose))])
		if len(w) >= 3 && !strings.ContainsFunc(w, func(r rune) bool { return r < 'a' || r > 'z' }) {
			return w
		}
	}
}

// invent is a name that no list has.
func (m *maker) invent() string {
	var b strings.Builder
	for range 2 + m.IntN(2) {
		b.WriteString(pick(m, "b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "st", "tr", "ch"))
		b.WriteString(pick(m, "a", "e", "i", "o", "u", "ai", "ea"))
	}
	return b.String() + pick(m, "", "n", "r", "x", "s")
}

func (m *maker) number() string {
	return pick(m, "", "1", "123", "!", "2026", fmt.Sprint(1950+m.IntN(100)), fmt.Sprint(m.IntN(10000)), "!@#", "_1")
}

func (m *maker) phrase(words int, jargon bool) string {
	var all []string
	for range words {
		all = append(all, m.word())
	}
	if jargon {
		all = append(all, pick(m, "secret", "key", "jwt", "token", "password", "prod"))
	}
	return m.styled(all)
}

// styled puts words together as people do.
func (m *maker) styled(all []string) string {
	form := m.IntN(4)
	for i, w := range all {
		switch {
		case form == 0 || form == 1 && i > 0:
			all[i] = strings.ToUpper(w[:1]) + w[1:]
		case form == 2:
			all[i] = strings.ToUpper(w)
		}
	}
	return strings.Join(all, pick(m, "", "", "-", "_", " ", "."))
}

func leeted(m *maker, text string) string {
	signs := map[rune]rune{'a': '@', 'e': '3', 'i': '1', 'o': '0', 's': '$', 't': '7', 'l': '1'}
	return strings.Map(func(r rune) rune {
		if sign, ok := signs[r]; ok && m.IntN(2) == 0 {
			return sign
		}
		return r
	}, text)
}

// named is made of names that stand near it, as they are and with signs for
// letters.
func (m *maker) named() (string, judge.Context) {
	shop, company := m.invent()+m.invent(), m.invent()+m.invent()
	c := judge.Context{Names: []judge.Name{
		{Text: "https://" + shop + ".example.com", From: "domain"}, {Text: "git.example.org/" + company + "/api", From: "Git remote"},
	}}
	text := m.styled([]string{company, shop, m.word()}) + m.number()
	if m.IntN(3) == 0 {
		text = leeted(m, text)
	}
	return text, c
}

func (m *maker) walk() string {
	rows := []string{"1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "!@#$%^&*()_+", "QWERTYUIOP{}", `ASDFGHJKL:"`, "ZXCVBNM<>?"}
	var b strings.Builder
	for b.Len() < 8+m.IntN(28) {
		row, up := rows[m.IntN(len(rows))], m.IntN(3)
		switch {
		case up == 0: // a column and its neighbours
			x := m.IntN(8)
			for k := range 1 + m.IntN(4) {
				for _, r := range rows[:4] {
					b.WriteByte(r[min(x+k, len(r)-1)])
				}
			}
		case up == 1:
			b.WriteString(reverse(row[:5+m.IntN(5)]))
		default:
			from := m.IntN(4)
			b.WriteString(row[from : from+4+m.IntN(3)])
		}
	}
	return b.String()[:min(b.Len(), 36)]
}

func reverse(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

func (m *maker) repeated() (string, judge.Context) {
	part := pick(m, m.word(), m.random(alnum, 1+m.IntN(10)), m.random(alnum, 1), m.number())
	return strings.Repeat(part+pick(m, "", "-", " "), 3+m.IntN(20)) + "x", judge.Context{}
}

const alnum = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func (m *maker) random(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[m.IntN(len(alphabet))]
	}
	return string(b)
}

// sequence counts in digits or letters, in one lane or two.
func (m *maker) sequence() string {
	var b strings.Builder
	rings := []string{"0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
	lanes := 1 + m.IntN(3)
	from, step, ring := [3]int{}, [3]int{}, [3]string{}
	for k := range lanes {
		from[k], step[k], ring[k] = m.IntN(10), pick(m, 1, -1), pick(m, rings...)
	}
	for i := range 10 + m.IntN(50) {
		k := i % lanes
		at := (from[k] + step[k]*(i/lanes)) % len(ring[k])
		b.WriteByte(ring[k][(at+len(ring[k]))%len(ring[k])])
	}
	return b.String()
}

func (m *maker) dates() string {
	var all []string
	for range 1 + m.IntN(3) {
		y, mo, d := 1940+m.IntN(100), 1+m.IntN(12), 1+m.IntN(28)
		all = append(all, pick(m, fmt.Sprintf("%d%02d%02d", y, mo, d), fmt.Sprintf("%02d.%02d.%d", d, mo, y), fmt.Sprintf("%d-%02d-%02d", y, mo, d), fmt.Sprintf("%02d/%02d/%d", mo, d, y)))
		all = append(all, pick(m, "", m.word()))
	}
	return strings.Join(all, pick(m, "", "-", " "))
}

func (m *maker) email() string {
	local := pick(m, m.invent()+"."+m.invent(), m.word()+m.number(), m.invent()+fmt.Sprint(m.IntN(3000)), m.word()+"_"+m.invent())
	local = strings.NewReplacer("!@#", "", "!", "").Replace(local)
	return local + "@" + m.invent() + pick(m, "", "-"+m.word()) + pick(m, ".com", ".example.org", ".co.uk", ".de", ".io")
}

func (m *maker) sentence() string {
	n := 6 + m.IntN(12)
	from := m.IntN(len(m.prose) - n)
	words := append([]string{}, m.prose[from:from+n]...)
	switch m.IntN(4) {
	case 0:
		return strings.ToLower(strings.Join(words, ""))
	case 1:
		for i, w := range words {
			r := []rune(w)
			words[i] = strings.ToUpper(string(r[:1])) + string(r[1:])
		}
		return strings.Join(words, "")
	case 2:
		return strings.ToLower(strings.Join(words, pick(m, "-", "_")))
	}
	return strings.Join(words, " ") + pick(m, "", ".", "!")
}

// constant takes digits of roots, which big works out, and of 22/7 and 1/7.
func (m *maker) constant() string {
	f := new(big.Float).SetPrec(3000).Sqrt(big.NewFloat(pick(m, 2.0, 3.0, 5.0)).SetPrec(3000))
	text := f.Text('f', 700)
	if m.IntN(2) == 0 {
		text = "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798214808651"
	}
	n := 12 + m.IntN(52)
	from := m.IntN(len(text) - n)
	return text[from : from+n]
}

func (m *maker) uuid() string {
	b := make([]byte, 16)
	for i := range b {
		b[i] = byte(m.Uint32())
	}
	b[6], b[8] = b[6]&15|pick(m, byte(0x10), 0x40, 0x70), b[8]&63|128
	u := fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	return pick(m, u, strings.ReplaceAll(u, "-", ""), strings.ToUpper(u), "{"+u+"}", "key-"+u, "urn:uuid:"+u, "sk_"+u)
}

func (m *maker) digest() string {
	p := []byte(m.passwords[m.IntN(len(m.passwords))])
	a, b, c, d := md5.Sum(p), sha1.Sum(p), sha256.Sum256(p), sha512.Sum512(p)
	sum := pick(m, a[:], b[:], c[:], d[:])
	return pick(m, hex.EncodeToString(sum), strings.ToUpper(hex.EncodeToString(sum)), base64.StdEncoding.EncodeToString(sum), base64.RawURLEncoding.EncodeToString(sum))
}

// short has 16 random bytes at most.
func (m *maker) short() string {
	b := []byte(m.random(alnum, 6+m.IntN(11)))
	return pick(m, hex.EncodeToString(b), base64.StdEncoding.EncodeToString(b), string(b), m.random("0123456789", 20+m.IntN(18)), m.random("abcdefghijklmnopqrstuvwxyz", 8+m.IntN(19)))
}

func (m *maker) few() string {
	return m.random(m.random(alnum, 2+m.IntN(2)), 16+m.IntN(40))
}

// patternBytes are keys of bytes that somebody typed.
func (m *maker) patternBytes() string {
	b := make([]byte, 32+m.IntN(33))
	form, first := m.IntN(4), byte(m.Uint32())
	for i := range b {
		b[i] = [...]byte{first, first + byte(i), byte(i % (2 + int(first)%6)), first ^ byte(i&1)*0xff}[form]
	}
	return pick(m, hex.EncodeToString(b), base64.StdEncoding.EncodeToString(b))
}

// changed is a secret of the public list with a little more or with other
// capitals.
func (m *maker) changed() string {
	t := knownSecrets()[m.IntN(len(knownSecrets()))]
	return pick(m, t+"!", t+"1", `"`+t+`"`, "'"+t+"'", strings.ToUpper(t[:1])+t[1:], t+"\n", " "+t, t+"2026")
}
