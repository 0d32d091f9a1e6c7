package main

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/json"
	"fmt"
	"maps"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// A list of words, the most frequent first. A word's rank is its place, times
// weight, which is how many lists a guesser takes before or beside this one.
type list struct {
	file   string
	most   int // words
	weight int
}

// wordLists are files of the packages in DIR, without the folder src. Of the
// languages that are written without words or spaces the lists hold too much to
// be of use.
var wordLists = []list{
	{"language-common/passwords.json", 8000, 2},
	{"language-en/wikipedia.json", 24000, 1},
	{"language-en/firstnames.json", 2500, 4},
	{"language-en/lastnames.json", 2500, 8},
	{"language-de/wikipedia.json", 4000, 3},
	{"language-de/commonWords.json", 3000, 3},
	{"language-fr/wikipedia.json", 4000, 3},
	{"language-es-es/wikipedia.json", 4000, 3},
	{"language-it/wikipedia.json", 3000, 3},
	{"language-it/commonWords.json", 3000, 3},
	{"language-pt-br/wikipedia.json", 4000, 3},
	{"language-nl-be/commonWords.json", 3000, 4},
	{"language-pl/commonWords.json", 3000, 4},
	{"language-cs/commonWords.json", 2000, 6},
	{"language-fi/commonWords.json", 2000, 6},
	{"language-id/wikipedia.json", 3000, 4},
}

// makeWords packs the words of all lists, theirs and ours.
func makeWords(dir string) error {
	ranks := map[string]int{}
	add := func(word string, rank int) {
		if old, ok := ranks[word]; usable(word) && (!ok || rank < old) {
			ranks[word] = rank
		}
	}
	for _, l := range wordLists {
		words, err := readWords(filepath.Join(dir, filepath.Dir(l.file), "src", filepath.Base(l.file)))
		if err != nil {
			return err
		}
		for i, w := range words[:min(l.most, len(words))] {
			w = strings.ToLower(w)
			add(w, (i+1)*l.weight)
			add(plain.Replace(w), (i+1)*l.weight)
		}
	}
	for file, rank := range ownLists {
		words, err := lines("gen/lists/" + file)
		if err != nil {
			return err
		}
		for _, line := range words {
			for w := range strings.FieldsSeq(line) {
				for _, form := range forms(w) {
					add(form, rank)
				}
			}
		}
	}
	fmt.Printf("%d words\n", len(ranks))
	if err := writePasswords(dir); err != nil {
		return err
	}
	return write("words.deflate", pack(ranks))
}

// ownLists are our lists, each with the rank of its words: about as many as there are.
// Those of made-up secrets rank after words like "the" and "is".
var ownLists = map[string]int{"function.txt": 127, "jargon.txt": 128, "everyday.txt": 1023}

// forms are a word of our lists with the endings that its mark stands for.
func forms(w string) []string {
	switch plain := strings.TrimRight(w, "+*"); {
	case strings.HasSuffix(w, "+"):
		return []string{plain, plain + "s", plain + "ed", plain + "ing"}
	case strings.HasSuffix(w, "*"):
		return []string{plain, plain + "s"}
	default:
		return []string{w}
	}
}

// usable are words of letters alone. Single letters are not worth a word, but
// for those that are one.
func usable(w string) bool {
	notLetter := func(r rune) bool { return !unicode.IsLetter(r) || r > 0x24f }
	return len(w) > 1 && len(w) <= 24 && !strings.ContainsFunc(w, notLetter) && !walks(w) || w == "a" || w == "i"
}

// walks reports whether a word is made of three or more neighbouring keys at a
// time, as passwords often are. The keyboard describes those.
func walks(w string) bool {
	if w == "" {
		return true
	}
	for n := len(w); n >= 3; n-- {
		for _, row := range []string{"qwertyuiop", "asdfghjkl", "zxcvbnm"} {
			if strings.Contains(row, w[:n]) && walks(w[n:]) {
				return true
			}
		}
	}
	return false
}

func pack(ranks map[string]int) []byte {
	var text bytes.Buffer
	for _, w := range slices.Sorted(maps.Keys(ranks)) {
		text.WriteByte('a' + byte(bits.Len(uint(ranks[w]))-1))
		text.WriteString(w + "\n")
	}
	var packed bytes.Buffer
	z, _ := flate.NewWriter(&packed, flate.BestCompression)
	_, _ = z.Write(text.Bytes())
	_ = z.Close()
	return packed.Bytes()
}

func readWords(file string) (words []string, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &words); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return words, nil
}

// writePasswords keeps the passwords whose hashes are known: the first of the
// list, and the words that stand in secrets.
func writePasswords(dir string) error {
	const most = 4600
	all, err := readWords(filepath.Join(dir, "language-common/src/passwords.json"))
	if err != nil {
		return err
	}
	jargon, err := lines("gen/lists/jargon.txt")
	if err != nil {
		return err
	}
	all = all[:most]
	for _, line := range jargon {
		all = append(all, strings.Fields(line)...)
	}
	all = append(all, "", "admin123", "mysecret", "supersecret", "secretkey", "my-secret", "my_secret", "jwtsecret",
		"jwt_secret", "hello world", "Hello World", "test123")
	slices.SortFunc(all, cmp.Compare[string])
	all = slices.Compact(all)
	return os.WriteFile("gen/lists/passwords.txt", []byte(strings.Join(all, "\n")+"\n"), 0o644)
}

// plain writes words as people do whose keyboard has no accents.
var plain = strings.NewReplacer(
	"ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "é", "e", "è", "e", "ê", "e", "ë", "e", "á", "a", "à", "a", "â", "a", "ã", "a", "å", "a",
	"í", "i", "ì", "i", "î", "i", "ï", "i", "ó", "o", "ò", "o", "ô", "o", "õ", "o", "ú", "u", "ù", "u", "û", "u", "ç", "c", "ñ", "n",
	"ą", "a", "ć", "c", "ę", "e", "ł", "l", "ń", "n", "ś", "s", "ź", "z", "ż", "z", "č", "c", "ď", "d", "ě", "e", "ň", "n", "ř", "r",
	"š", "s", "ť", "t", "ů", "u", "ý", "y", "ž", "z", "ø", "o", "æ", "ae",
)
