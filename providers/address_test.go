package providers

import (
	"errors"
	"strings"
	"testing"
)

// A secret in an address is refused, and never repeated.
func TestAddress(t *testing.T) {
	none := errors.New("not a URL")
	for text, want := range map[string]error{
		"https://vault.example.com:8200":          nil,
		"https://vault.example.com:8200/base":     nil,
		"http://127.0.0.1:8200":                   nil,
		"http://[::1]:8200":                       nil,
		"http://localhost":                        nil,
		"http://vault.example.com":                ErrPlaintext,
		"https://s3cr3t@vault.example.com":        ErrSecretInAddress,
		"https://u:s3cr3t@vault.example.com":      ErrSecretInAddress,
		"https://vault.example.com?token=s3cr3t":  ErrSecretInAddress,
		"https://vault.example.com/?s3cr3t":       ErrSecretInAddress,
		"https://vault.example.com/?":             ErrSecretInAddress,
		"https://vault.example.com/#s3cr3t":       ErrSecretInAddress,
		"http://vault.example.com/?token=s3cr3t":  ErrSecretInAddress,
		"http://127.0.0.1:8200/?token=s3cr3t":     ErrSecretInAddress,
		"":                                        none,
		"vault.example.com:8200":                  none,
		"ftp://vault.example.com/s3cr3t":          none,
		"https://":                                none,
		"https://vault.example.com:port/s3cr3t":   none,
		"https://vault.example.com/s3cr3t%zz":     none,
		"https://u:s3cr3t%zz@vault.example.com":   none,
		"https://vault.example.com/\x00?s3cr3t=1": none,
	} {
		_, err := Address("address", text)
		switch {
		case want == none && (err == nil || !strings.HasPrefix(err.Error(), "address is not a URL")), want != none && !errors.Is(err, want):
			t.Errorf("%q: %v, want %v", text, err, want)
		case err != nil && strings.Contains(err.Error(), "s3cr3t"):
			t.Errorf("%q is repeated: %v", text, err)
		}
	}
}
