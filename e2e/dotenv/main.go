// Command dotenv reads .env files with one of the readers that are Go packages:
// dotenv READER < FILES > ANSWERS. READER is godotenv, compose or docker. FILES and
// ANSWERS are JSON lists; texts in them are in base64.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	compose "github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/docker/cli/opts"
	"github.com/joho/godotenv"
	"github.com/sirupsen/logrus"
)

type answer struct {
	Vars  map[string][]byte `json:"vars,omitempty"`
	Error string            `json:"error,omitempty"`
}

func main() {
	logrus.SetOutput(io.Discard) // compose tells which variables are not set
	readers := map[string]func(file []byte) (map[string]string, error){
		"godotenv": func(file []byte) (map[string]string, error) { return godotenv.Parse(bytes.NewReader(file)) },
		"compose":  func(file []byte) (map[string]string, error) { return compose.Parse(bytes.NewReader(file)) },
		"docker":   docker,
	}
	var files [][]byte
	if err := json.NewDecoder(os.Stdin).Decode(&files); err != nil {
		fail(err)
	}
	answers := make([]answer, len(files))
	for i, file := range files {
		vars, err := readers[os.Args[1]](file)
		if err != nil {
			answers[i].Error = err.Error()
			continue
		}
		answers[i].Vars = map[string][]byte{}
		for name, value := range vars {
			answers[i].Vars[name] = []byte(value)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fail(err)
	}
}

// docker reads as `docker run --env-file` does.
func docker(file []byte) (map[string]string, error) {
	f, err := os.CreateTemp("", "dotenv")
	if err != nil {
		fail(err)
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(file); err != nil {
		fail(err)
	}
	if err := f.Close(); err != nil {
		fail(err)
	}
	lines, err := opts.ReadKVEnvStrings([]string{f.Name()}, nil)
	return opts.ConvertKVStringsToMap(lines), err
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "dotenv:", err)
	os.Exit(1)
}
