package dotenv

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

const pemText = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\n-----END PRIVATE KEY-----\n"

// oddFiles are .env files whose variable K its readers may take in different
// ways: what editors, consoles, frameworks and people leave behind.
func oddFiles() []string {
	files := []string{
		// plain
		"K=abc\n", "K=abc", "K=abc\r\n", "K=\n", "K=", "K= \n", "K=\t\n", "K\n", "K", "K = abc\n", "K= abc\n", "K =abc\n", " K=abc\n", "\tK=abc\n",
		"K=abc  \n", "K=abc\t\n", "K=a b\n", "K=a  b c\n", "K=a=b\n", "K=abc=\n", "K=abc==\n", "K==abc\n", "K=a:b\n", "K:abc\n", "K: abc\n", "K : abc\n",
		"export K=abc\n", "export  K=abc\n", "export\tK=abc\n", " export K=abc\n", "export K = abc\n", "exportK=abc\n", "export=abc\nK=x\n", "EXPORT K=abc\n",
		"set K=abc\n", "K+=abc\n", "K?=abc\n", "K:=abc\n", "setenv K abc\n", "export K=\n", "export K=", "export K= ", "export K= \nL=1\n", "K=$(A\n", "K=$(b)\n",
		// comments
		"K=abc#def\n", "K=abc #def\n", "K=abc # def\n", "K=abc\t# def\n", "K=#abc\n", "K= # abc\n", "K=a#b #c\n", "K=a #b #c\n", "#K=x\nK=abc\n", "# c\nK=abc\n",
		";K=x\nK=abc\n", "// c\nK=abc\n", "K=abc;def\n", "K=abc ;def\n", "K=abc // def\n", "# c \\\nK=abc\n", "K='abc' # c\n", "K=\"abc\" # c\n", "K=\"abc\"# c\n", "K='abc'#c\n",
		// double quotes
		"K=\"abc\"\n", "K=\"abc\"", "K= \"abc\"\n", "K=\"abc\" \n", "K=\"a b\"\n", "K=\" abc \"\n", "K=\"\"\n", "K=\"a#b\"\n", "K=\"a # b\"\n", "K=\"a'b\"\n", "K=\"a`b\"\n", "K=\"a=b\"\n",
		`K="a\nb"`, `K="a\tb"`, `K="a\rb"`, `K="a\\b"`, `K="a\\nb"`, `K="a\"b"`, `K="a\'b"`, `K="a\$b"`, `K="a\bb"`, `K="a\qb"`, `K="a\ b"`, `K="a\033b"`, `K="\u00e9"`, `K="a\` + "\nb\"", `K="a\"`, `K="abc\\"`,
		"K=\"a\nb\"\n", "K=\"a\r\nb\"\r\n", "K=\"abc\nL=1\n", "K=\"abc\nL=\"1\"\n", "K=\"abc\"def\n", "K=\"abc\" def\n", "K=\"abc\"\"def\"\n", "K=\"abc\" \"def\"\n", "K=abc\"def\"\n", "K=abc\"\n", "K=ab\"c\n", "K=\"abc'\n",
		// single quotes
		"K='abc'\n", "K='a b'\n", "K=''\n", "K=' abc '\n", "K='a#b'\n", "K='a # b'\n", "K='a\"b'\n", "K='a`b'\n", `K='a\nb'`, `K='a\\b'`, `K='a\'b'`, `K='abc\'`, "K='a$b'\n", "K='a${B}c'\n", "K='a$$b'\n",
		"K='a\nb'\n", "K='abc\nL=1\n", "K='abc'def\n", "K='abc' def\n", "K='abc''def'\n", "K='it'\\''s'\n", "K=it's\n", "K=abc'\n", "K='abc\"\n",
		// backticks and commands
		"K=`abc`\n", "K=`a\"b`\n", "K=\"`abc`\"\n", "K='`abc`'\n", "K=$(echo abc)\n", "K=\"$(echo abc)\"\n", "K='$(echo abc)'\n", "K=a`\n",
		// variables
		"K=$B\n", "K=${B}\n", "K=${B:-abc}\n", "K=${B-abc}\n", "K=\"$B\"\n", "K=\"${B}\"\n", "K=a$\n", "K=a$1\n", "K=a$$b\n", "K=$b\n", "K=a\\$b\n", "K=a$ b\n", "K=a${\n", "K=${B:?no}\n", "K=a$%b\n", "K=\"a$\"\n", "K=\"a$%b\"\n",
		"B=1\nK=$B\n", "B=1\nK=\"${B}c\"\n", "B=1\nK='${B}c'\n",
		// backslashes
		`K=a\b`, `K=a\nb`, `K=a\\b`, `K=\abc`, `K=abc\`, "K=abc\\\nL=1\n", "K=abc\\\n", `K=a\"b`, `K=a\ b`, `K=a\#b`,
		// special characters
		"K=a&b\n", "K=a|b\n", "K=a;b\n", "K=(abc)\n", "K=a(b)\n", "K=<abc>\n", "K=a>b\n", "K=a*b\n", "K=a?b\n", "K=[abc]\n", "K={abc}\n", "K=~/abc\n", "K=~abc\n", "K=a~b\n", "K=a:~b\n", "K=a!b\n", "K=!abc\n", "K=a%b^c@d\n",
		"K=-abc\n", "K=@abc\n", "K=,abc\n", "K=a/b+c=\n", "K=ab.cd-ef_gh\n", "K=a\tb\n", "K=\u00e4\u00f6\u00fc\n", "K='\u00e4\u00f6\u00fc'\n", "K=\u65e5\u672c\n", "K=\U0001f511\n", "K=a\u00a0b\n", "K=abc\u00a0\n", "K=a\u200bb\n", "K=a\u0085b\n", "K=a\vb\n", "K=a\fb\n", "K=a\rb\n",
		"K={\"a\": \"b\"}\n", "K={\"a\":\"b\"}\n", "K='{\"a\":\"b\"}'\n", "K=[\"a\",\"b\"]\n", "K='[\"a\",\"b\"]'\n", "K=https://a.example/b?c=d&e=f#g\n", "K=\"https://a.example/b?c=d&e=f#g\"\n",
		// PEM
		"K=\"" + pemText + "\"\n", "K='" + pemText + "'\n", "K=\"" + strings.TrimSuffix(pemText, "\n") + "\"\n", "K=\"" + strings.ReplaceAll(pemText, "\n", `\n`) + "\"\n",
		"K=" + strings.ReplaceAll(pemText, "\n", `\n`) + "\n", "K='" + strings.ReplaceAll(pemText, "\n", `\n`) + "'\n", "K=" + pemText, "K=`" + pemText + "`\n", "K=\"" + strings.ReplaceAll(pemText, "\n", "\r\n") + "\"\r\n",
		// the whole file
		"", "\n\n", "\ufeffK=abc\n", "\ufeff\nK=abc\n", "\ufeffL=1\nK=abc\n", "K=abc\nK=def\n", "K=abc\nK\n", "K=abc\nexport K\n", "K=a\rL=b\r", "L=1\rK=abc\r", "L='x\nK=abc\nM='y\n", "L=\"x\nK=abc\n", "L=it's\nK=abc\n", "L=it's\nK=abc\nM=it's\n",
		"L=\nK=abc\n", "L= \nK=abc\n", "L\nK=abc\n", "L M\nK=abc\n", "L M=x\nK=abc\n", "1L=x\nK=abc\n", "L-M=x\nK=abc\n", "L.M=x\nK=abc\n", "[section]\nK=abc\n", "---\nK=abc\n", "=x\nK=abc\n", "L=x y\nK=abc\n", "L=<x>\nK=abc\n", "L=$(x)\nK=abc\n",
		"L=a&b\nK=abc\n", "L=a;b\nK=abc\n", "L=(a\nK=abc\n", "L=`x\nK=abc\n", "L=${x\nK=abc\n", "L={\"a\":1}\nK=abc\n", "L=x\\\nK=abc\n", "# don't\nK=abc\n", "# \"x\nK=abc\n", "# `x\nK=abc\n", "L=x # don't\nK=abc\n", "L=\"x\" y\nK=abc\n", "L='it's'\nK=abc\n", "K=abc;L=1\n", "K=abc L=1\n", "L=1 K=abc\n",
		"if true\nK=abc\nfi\n", "unset K\nK=abc\n", "K=abc\nunset K\n", "K=abc\nexit 0\n", "return\nK=abc\n", "set -a\nK=abc\nset +a\n", "#!/bin/sh\nK=abc\n", "K=abc && L=1\n", "K=abc & L=1\n", "export L\nK=abc\n", "export L=1 K=abc\n", "export A-B=1\nK=abc\n", "source x\nK=abc\n",
		"L:\n  K=abc\n", "L: x\nK: abc\n", "K=abc\n\x00", "K=abc\xff\n", "L=\xff\nK=abc\n",
	}
	return files
}

// randomFile is a file of pieces that matter to one reader or another.
func randomFile(r *rand.Rand) string {
	pieces := []string{
		"K", "L", "=", "=", "=", "\n", "\n", "\n", "\r\n", "\"", "\"", "'", "'", "`", "\\", "#", " ", " ", "\t", "$", "${B}", "$B", "{", "}", "(", ")", ";", "&", "|", "<", ">", "a", "b", "n", "1", "0", ":", ": ",
		"export ", "-", ".", "~", "!", "*", "\u00e9", "K=", "\nK=", "\nL=", "K=\"", "K='", "\\n", "\\\"", "\\'", "\\\n", " #", "\ufeff", ",", "[", "]", "%",
	}
	var b strings.Builder
	if r.IntN(3) > 0 {
		b.WriteString("K=")
	}
	for range r.IntN(14) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	if r.IntN(2) > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

// somethingOdd is what may become of a text that is written.
func somethingOdd(r *rand.Rand) string {
	pieces := []string{"a", "Zq9", "0", "-", "_", "/", "+", "=", "==", ".", ",", ":", "@", " ", "  ", "#", " #", "'", "\"", "`", "\\", "\\n", "\\\\", "$", "${a}", "$a", "$(a)", "$$", "\n", "\n\n", "\t", "%", "^", "&", "*", "(", ")", "!", "~", "|", ";", "<", ">", "?", "{", "}", "[", "]", "\u00e9", "\u65e5", "\U0001f511"}
	var b strings.Builder
	for range 1 + r.IntN(8) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

func randomFiles(n int, seed uint64) []string {
	r := rand.New(rand.NewPCG(seed, 14))
	files := make([]string, n)
	for i := range files {
		files[i] = randomFile(r)
	}
	return files
}

// shown is a file as a test's message has it.
func shown(file string) string { return fmt.Sprintf("%q", file) }
