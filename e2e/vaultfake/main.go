// Command vaultfake serves the tests' fake of HashiCorp Vault, whose one token is
// "root", at the address that is its argument. For scripts that need something which
// refuses a wrong token, where the real one (vault.sh) would add nothing.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/keyrotate/rotate/internal/test/vaultfake"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: vaultfake ADDRESS")
		os.Exit(2)
	}
	server := http.Server{Addr: os.Args[1], Handler: vaultfake.New(), ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintln(os.Stderr, "vaultfake:", server.ListenAndServe())
	os.Exit(1)
}
