package providers

import "testing"

// One place has one text, and what may hold a secret has none.
func TestSpot(t *testing.T) {
	for address, want := range map[string]string{
		"https://Vault.Example.com":         "https://vault.example.com",
		"https://vault.example.com:443/":    "https://vault.example.com",
		"HTTPS://vault.example.com//":       "https://vault.example.com",
		"https://vault.example.com:8200":    "https://vault.example.com:8200",
		"https://vault.example.com/a/B/":    "https://vault.example.com/a/B",
		"http://vault.example.com:80":       "http://vault.example.com",
		"http://[::1]:8200/":                "http://[::1]:8200",
		"https://u:p@vault.example.com":     "",
		"https://vault.example.com/?token=": "",
		"vault.example.com":                 "",
	} {
		if got := Spot(address); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}
