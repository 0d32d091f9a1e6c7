package keygen

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"github.com/keyrotate/rotate/rotation/keyset"
)

// enough is the strength in bits that a secret has to exceed. It sets apart
// what people type or draw as one UUID (122 bits) or 16 bytes in hex from what
// a generator makes for HMAC, 256 bits and more (RFC 7518 §3.2).
const enough = 128

// weakText tells why a secret in use should be replaced: its key is shorter
// than the hash, or it could be guessed. The reasons never quote the text, and
// name kinds of pattern, not the pattern.
//
// The estimate is units × log2(alphabet). The alphabet is the smallest usual
// one that holds every character, or the number of different characters where
// that is below 8. A unit is a character; but each common word, counted or
// keyboard sequence, year, and each repetition of what came before is one unit
// as a whole. It is generous: it knows no names, no sentences and no leaked
// lists, so a secret that passes may still be poor, and one that a generator
// made passes.
func weakText(alg keyset.Algorithm, keyLen int, text string) []string {
	var why []string
	if least := alg.MinBytes(); keyLen < least {
		rule := " (RFC 7518 §3.2)"
		if alg == keyset.Opaque {
			rule = "" // which signs no tokens: the least is this program's
		}
		why = append(why, fmt.Sprintf("the key has %d bytes, %s needs at least %d%s", keyLen, alg, least, rule))
	}
	units, patterns := countUnits(text)
	bits := float64(units) * math.Log2(float64(alphabet(text)))
	if bits > enough {
		return why
	}
	reason := fmt.Sprintf("the text can be guessed: it has some %.0f bits of strength where a generated one has 256", bits)
	if len(patterns) > 0 {
		reason += "; it holds " + strings.Join(patterns, ", ")
	}
	return append(why, reason)
}

// alphabet is how many characters each of the text's was chosen from.
func alphabet(text string) int {
	const (
		digits = "0123456789"
		lower  = "abcdefghijklmnopqrstuvwxyz"
		upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		base64 = digits + lower + upper + "+/-_="
	)
	different := map[byte]bool{}
	for i := range len(text) {
		different[text[i]] = true
	}
	if len(different) < 8 {
		return len(different)
	}
	for _, usual := range []string{
		digits, digits + "abcdef", digits + "ABCDEF", lower, upper,
		digits + lower, digits + upper, lower + upper, digits + lower + upper, base64,
	} {
		if strings.Trim(text, usual) == "" {
			return len(usual)
		}
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return 256 // per byte
	}
	return 95 // printable ASCII
}

// A pattern finds how many bytes at text[i:] are predictable; the text is in
// lower case.
type pattern struct {
	name  string
	match func(text []byte, i int) int
}

// patterns are what a person types where a generator should have been asked.
func patterns() []pattern {
	return []pattern{
		{"common words", matchWord},
		{"counted digits or letters", matchSequence},
		{"neighbouring keys of a keyboard", matchKeyboard},
		{"a year", matchYear},
		{"repetitions", matchRepeat},
	}
}

// countUnits reads the text from its start, taking the longest pattern at each
// place, and names the kinds that it met.
func countUnits(original string) (units int, met []string) {
	text := bytes.ToLower([]byte(original))
	kinds := patterns()
	seen := make([]bool, len(kinds))
	for i := 0; i < len(text); units++ {
		longest, kind := 1, -1
		for k, p := range kinds {
			if n := p.match(text, i); n > longest {
				longest, kind = n, k
			}
		}
		if kind >= 0 && !seen[kind] {
			seen[kind] = true
			met = append(met, kinds[kind].name)
		}
		i += longest
	}
	return units, met
}

// matchSequence: three or more that count up or down by one, 9 and 0 being
// neighbours, as in abc, 321 and 7890123.
func matchSequence(text []byte, i int) int {
	for _, step := range []int{1, -1} {
		n := 1
		for i+n < len(text) && follows(text[i+n-1], text[i+n], step) {
			n++
		}
		if n >= 3 {
			return n
		}
	}
	return 0
}

func follows(a, b byte, step int) bool {
	isDigit := func(c byte) bool { return c >= '0' && c <= '9' }
	isLetter := func(c byte) bool { return c >= 'a' && c <= 'z' }
	switch {
	case isDigit(a) && isDigit(b):
		return (int(a-'0')+step+10)%10 == int(b-'0')
	case isLetter(a) && isLetter(b):
		return int(a)+step == int(b)
	}
	return false
}

// matchKeyboard: four or more along a row of a QWERTY keyboard.
func matchKeyboard(text []byte, i int) int {
	for _, row := range []string{"qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertz", "azerty", "1qaz2wsx3edc"} {
		start := strings.IndexByte(row, text[i])
		if start < 0 {
			continue
		}
		n := 0
		for i+n < len(text) && start+n < len(row) && text[i+n] == row[start+n] {
			n++
		}
		if n >= 4 {
			return n
		}
	}
	return 0
}

// matchYear: 1900 to 2099, not inside a longer number.
func matchYear(text []byte, i int) int {
	isDigit := func(j int) bool { return j >= 0 && j < len(text) && text[j] >= '0' && text[j] <= '9' }
	century := bytes.HasPrefix(text[i:], []byte("19")) || bytes.HasPrefix(text[i:], []byte("20"))
	if century && isDigit(i+2) && isDigit(i+3) && !isDigit(i+4) && !isDigit(i-1) {
		return 4
	}
	return 0
}

// matchRepeat: three or more of the same character, or four or more that
// occurred before in the same order.
func matchRepeat(text []byte, i int) int {
	longest := 0
	for j := range i {
		n := 0
		for i+n < len(text) && text[j+n] == text[i+n] {
			n++
		}
		if n >= 4 || n >= 2 && j == i-1 {
			longest = max(longest, n)
		}
	}
	return longest
}

// matchWord: a word that stands in made-up secrets, digits and signs standing
// for letters included.
func matchWord(text []byte, i int) int {
	longest := 0
	for word := range strings.FieldsSeq(commonWords) {
		if len(word) > longest && len(word) <= len(text)-i && spells(text[i:], word) {
			longest = len(word)
		}
	}
	return longest
}

func spells(text []byte, word string) bool {
	const signs, letters = "013457@$!", "oieastasi"
	for j := range word {
		c := text[j]
		if k := strings.IndexByte(signs, c); k >= 0 {
			c = letters[k]
		}
		if c != word[j] {
			return false
		}
	}
	return true
}

// commonWords are those of the default and example secrets of JWT libraries,
// frameworks and tutorials, and of the lists of most used passwords.
const commonWords = `
	access account adm admin administrator api app application auth authentication authorization backend bar
	base baz bearer best bits bytes cat change changeit changeme char character characters client cloud code
	company complex cookie corp correct credential crypto data database default demo dev development dog dont
	dragon encrypt encryption enough example express fallback flask foo football for from generate generated
	global good google group guest hash hello here hidden hmac horse iloveyou insecure internal java jwt keep
	key keyboard laravel least length letmein local localhost login long love magic master minimum mobile monkey
	more must name need never new node not nothing now one only our pass passphrase passwd password phrase
	please power prod production project public random replace root safe salt same sample secret secrets secure
	security server service session shared should sign signature signing simple software some spring staging
	staple storage string strong sunshine super symmetric system team temp test testing than that the this token
	trustno unsafe update use user using value very web welcome with word world you your
`
