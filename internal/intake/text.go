package intake

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

// encoded refuses bytes that are no text of UTF-8, or begin with a byte order mark.
func encoded(data []byte) error {
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(data, []byte(mark)) {
			return &Refusal{Code: BOM}
		}
	}
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return &Refusal{Code: Binary}
	}
	return nil
}

// plainText is the text of a secret as its readers have it: without the one line
// end that editors and most commands add. What looks like something else, or
// like a secret with something around it, is refused.
func (t *taker) plainText(data []byte) ([]byte, error) {
	value := cutLineEnd(data)
	for _, look := range []func(string) *Refusal{
		placeholder, reference, token, wrapped, assignment, manifest, broken, quoted, blanks, strange,
	} {
		if r := look(string(value)); r != nil {
			return nil, r
		}
	}
	if len(value) < len(data) {
		t.note(Note{Code: LineEndCut})
	}
	if bytes.HasPrefix(value, []byte(laravel)) && t.ask.Spec.Prefix != laravel {
		t.note(Note{Code: OtherForms, Name: laravel})
	}
	return value, nil
}

// laravel is what APP_KEY begins with, if bytes in base64 follow.
const laravel = "base64:"

// cutLineEnd removes one \n or \r\n.
func cutLineEnd(b []byte) []byte {
	if cut, ok := bytes.CutSuffix(b, []byte("\n")); ok {
		return bytes.TrimSuffix(cut, []byte("\r"))
	}
	return b
}

// placeholders are what programs print in the place of a secret, or of none.
var placeholders = []string{
	"(sensitive value)", "<sensitive>", "(sensitive)", "(known after apply)", // Terraform
	"<no value>", "<nil>", "%!s(<nil>)", "map[]", // Go templates, Helm
	"null", "undefined", "none", "nil", "nan", "[object object]", "true", "false",
	"[secret]", "[redacted]", "<redacted>", "redacted", "<hidden>", "hidden by user", "(hidden)", "[filtered]", "<secret>", "[masked]",
}

func placeholder(text string) *Refusal {
	lower := strings.ToLower(strings.TrimSpace(text))
	for _, p := range placeholders {
		if lower == p {
			return &Refusal{Code: Placeholder}
		}
	}
	if strings.Trim(lower, "*") == "" || strings.Trim(lower, "•●") == "" || kubectlBytes().MatchString(lower) {
		return &Refusal{Code: Placeholder}
	}
	return nil
}

// kubectlBytes is what `kubectl describe secret` shows.
var kubectlBytes = lazy.Regexp(`^([a-z0-9_.-]+:\s*)?[0-9]+ bytes$`)

// references are texts that stand for a secret which lies elsewhere, each with
// the name of who resolves it.
var references = []struct {
	kind    string
	pattern lazy.Pattern
}{
	{"1Password", lazy.Regexp(`^op://`)},
	{"CloudFormation or another YAML tag", lazy.Regexp(`^!(Ref|Sub|GetAtt|ImportValue|secret|env|reference)\b`)},
	{"Symfony", lazy.Regexp(`^%env\(.*\)%$`)},
	{"dotenvx", lazy.Regexp(`^encrypted:[A-Za-z0-9+/=]{20,}$`)},
	{"Jasypt or Spring Cloud Config", lazy.Regexp(`^ENC\(.*\)$|^\{cipher\}`)},
	{"Windows (DPAPI)", lazy.Regexp(`^(?i)01000000d08c9ddf0115d1118c7a00c04fc297eb`)},
	{"a KMS of AWS", lazy.Regexp(`^AQICAH[A-Za-z0-9+/=]{100,}$`)},
	{"Fernet", lazy.Regexp(`^gAAAAA[A-Za-z0-9_-]{90,}={0,2}$`)},
	{"Bank-Vaults or Ansible", lazy.Regexp(`^(>>)?vault:|^!vault|^\$ANSIBLE_VAULT;`)},
	{"SOPS", lazy.Regexp(`^ENC\[`)},
	{"AWS", lazy.Regexp(`^arn:aws[a-z-]*:|^\{\{\s*resolve:|^aws(sm|-sm|ssm)?://|^secretsmanager:`)},
	{"Google", lazy.Regexp(`^(//secretmanager\.googleapis\.com/)?projects/[^/\s]+/(locations/[^/\s]+/)?secrets/|^(gcp)?sm://|^gcpsecretmanager:`)},
	{"Azure", lazy.Regexp(`^@Microsoft\.KeyVault\(|^https://[a-z0-9-]+\.vault\.(azure\.net|azure\.cn|usgovcloudapi\.net)/secrets/|^azurekeyvault://|^akvs?:`)},
	{"Doppler, Infisical, Bitwarden or Keeper", lazy.Regexp(`^(doppler|infisical|bws?|keeper|akeyless|conjur|chamber|keyring)://|^ref\+[a-z0-9]+://`)},
	{"a template", lazy.Regexp(`\{\{.*\}\}|^<%.*%>$|^@@.+@@$|^#\{[^}]+\}#?$|^__[A-Z0-9_]+__$`)},
	{"a variable", lazy.Regexp(`\$\{[A-Za-z_][^}]*\}|^\$[A-Za-z_][A-Za-z0-9_]*$|^%[A-Za-z_][A-Za-z0-9_]*%$|^\$env:[A-Za-z_][A-Za-z0-9_]*$|^process\.env\.|^os\.(environ|getenv)`)},
	{"a variable of Kubernetes or a command", lazy.Regexp("^\\$\\(.*\\)$|\\$\\([A-Z_][A-Z0-9_]*\\)|\\$\\([a-z]+ [^)]*\\)|^`.*`$")},
	{"whoever opens that file or address", lazy.Regexp(`^(file|env|secret|k8s|s3|ssm|https?)://|^/run/secrets/|^/var/run/secrets/|^/etc/|^~/|^\./|^\.\./`)},
	{"whoever opens that address", lazy.Regexp(`^(postgres(ql)?|mysql|mariadb|mongodb(\+srv)?|rediss?|amqps?|sqlite|smtps?|ldaps?|ftps?|tcp|unix|gs|nats|kafka|jdbc:[a-z0-9:]+)://`)},
	{"git-crypt, age or a KMS", lazy.Regexp(`^age-encryption\.org|^AGE-SECRET-KEY-|^enc:v[0-9]|^ejson:|^EJ\[`)},
}

func reference(text string) *Refusal {
	text = strings.Trim(strings.TrimSpace(text), `"'`)
	for _, r := range references {
		if r.pattern().MatchString(text) {
			return &Refusal{Code: Reference, Kind: r.kind}
		}
	}
	return nil
}

var (
	jwt        = lazy.Regexp(`^(Bearer\s+)?eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*){0,2}$`)
	wholeB64   = lazy.Regexp(`^[A-Za-z0-9+/_-]+={0,2}$`)
	upperName  = lazy.Regexp(`^(?:export\s+|set\s+|\$env:|-e\s+|--env[ =])?([A-Z][A-Z0-9_]+)\s*=\s*([^=\s].*)?$`)
	secretName = lazy.Regexp(`(?i)^(?:export\s+|set\s+|-\s+)?["']?([a-z][a-z0-9_.-]*(?:secret|key|token|jwt|passw|auth|pwd)[a-z0-9_.-]*|secret|key|token|jwt|password|value)["']?\s*(?:=|:=|:\s|=>)\s*([^=\s].*)?$`)
)

// defined is a constant of PHP, as wp-config.php has them.
var defined = lazy.Regexp(`^define\(\s*["']([A-Za-z_][A-Za-z0-9_]*)["']\s*,(.*)$`)

// sshPublic is the public half of a key of OpenSSH.
var sshPublic = lazy.Regexp(`^(ssh-(rsa|dss|ed25519)|ecdsa-sha2-nistp[0-9]+|sk-[a-z0-9@.-]+) AAAA`)

// hashed is the beginning of what crypt(3) and its kin store of a password.
var hashed = lazy.Regexp(`^([A-Za-z0-9._-]+:)?\$(2[abxy]?|apr1|argon2(id|i|d)|pbkdf2[a-z0-9-]*|scrypt|[156y])\$[^\s]{8,}$`)

func token(text string) *Refusal {
	if hashed().MatchString(text) {
		return &Refusal{Code: Hashed}
	}
	if sshPublic().MatchString(text) {
		return &Refusal{Code: NoPrivate, Members: []string{"a public key of OpenSSH"}}
	}
	if jwt().MatchString(strings.TrimSpace(text)) {
		return &Refusal{Code: Token}
	}
	return nil
}

// wrapped finds a PEM, JSON or another text in base64, as the data of a
// Kubernetes Secret is printed, or as a variable holds it. Sixteen random bytes
// are printable once in ten million times, and longer ones never.
func wrapped(text string) *Refusal {
	one := strings.Join(strings.Fields(text), "")
	if !wholeB64().MatchString(one) {
		return nil
	}
	inner, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(one), "="))
	if err != nil {
		return nil
	}
	if isPEM(inner) {
		return &Refusal{Code: Wrapped, Kind: "a PEM"}
	}
	if n, err := parseJSON(inner); err == nil && (n.kind == anObject || n.kind == aList) {
		return &Refusal{Code: Wrapped, Kind: "JSON"}
	}
	if len(inner) >= 16 && !bytes.ContainsFunc(bytes.TrimSpace(inner), func(r rune) bool { return r < ' ' || r > '~' }) {
		return &Refusal{Code: Wrapped, Kind: "another text"}
	}
	return nil
}

// assignment finds NAME=value, and the other ways to write that. A secret that
// is made of all characters can look like one in lower case, so names of lower
// case count only if they name a secret.
func assignment(text string) *Refusal {
	if strings.HasPrefix(text, "PuTTY-User-Key-File") {
		return &Refusal{Code: Document}
	}
	var names []string
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for _, line := range lines {
		line = strings.TrimSpace(line)
		m := defined().FindStringSubmatch(line)
		if m == nil {
			m = upperName().FindStringSubmatch(line)
		}
		if m == nil {
			m = secretName().FindStringSubmatch(line)
		}
		if m == nil || m[2] == "" && len(lines) == 1 { // JWTSECRETABC= can be base64
			continue
		}
		if len(names) < maxMembers {
			names = append(names, m[1])
		}
	}
	if names == nil {
		return nil
	}
	return &Refusal{Code: Assignment, Name: names[0], Members: names}
}

// manifest finds documents of several lines that hold a secret somewhere.
func manifest(text string) *Refusal {
	lines := strings.Split(text, "\n")
	if len(lines) < 2 {
		return nil
	}
	for _, line := range lines {
		word, rest, ok := strings.Cut(strings.TrimSpace(line), ":")
		if ok && (rest == "" || rest[0] == ' ') && word != "" && !strings.ContainsAny(word, " \t") || strings.HasPrefix(line, "---") || strings.HasPrefix(line, "[") {
			return &Refusal{Code: Document}
		}
	}
	return nil
}

// broken finds what begins as JSON or XML does and is none.
func broken(text string) *Refusal {
	text = strings.TrimSpace(text)
	for _, begin := range []string{`{"`, `{'`, `["`, `['`, `[{`, "{\n", "[\n", "{ \"", "[ \"", "<?xml", "<RSAKeyValue", "map["} {
		if strings.HasPrefix(text, begin) {
			return &Refusal{Code: Broken}
		}
	}
	if len(text) > 1 && (text[0] == '{' && text[len(text)-1] == '}' || text[0] == '[' && text[len(text)-1] == ']') {
		return &Refusal{Code: Broken}
	}
	return nil
}

// quoted finds quotes around a text: straight, curly, and as languages prefix them.
func quoted(text string) *Refusal {
	text = strings.TrimSpace(text)
	for _, pair := range []string{`""`, `''`, "``", "\u201c\u201d", "\u2018\u2019", "\u00ab\u00bb", "\u201e\u201c"} {
		open, size := utf8.DecodeRuneInString(pair)
		end := pair[size:]
		bare := strings.TrimLeft(text, "bruf") // b'…' and f"…" of Python
		if len(text)-len(bare) > 2 {
			bare = text
		}
		if len(bare) > len(end) && strings.HasPrefix(bare, string(open)) && strings.HasSuffix(bare, end) {
			return &Refusal{Code: Quoted}
		}
	}
	return nil
}

// blanks finds white space at either end.
func blanks(text string) *Refusal {
	first, _ := utf8.DecodeRuneInString(text)
	last, _ := utf8.DecodeLastRuneInString(text)
	switch {
	case unicode.IsSpace(first):
		return &Refusal{Code: Blanks, Kind: "beginning"}
	case unicode.IsSpace(last):
		return &Refusal{Code: Blanks, Kind: "end"}
	}
	return nil
}

// strange finds characters that cannot be seen.
func strange(text string) *Refusal {
	for i, r := range text {
		at := utf8.RuneCountInString(text[:i]) + 1
		switch {
		case r == '\n' || r == '\r':
			return &Refusal{Code: Lines, Have: 1 + strings.Count(text, "\n")}
		case unicode.IsControl(r):
			return &Refusal{Code: Unseen, At: at, Kind: "a control character"}
		case invisible(r):
			return &Refusal{Code: Unseen, At: at, Kind: fmt.Sprintf("U+%04X", r)}
		}
	}
	return nil
}

// invisible reports whether nothing is drawn for a character, or a blank that is
// not the usual one.
func invisible(r rune) bool {
	switch r {
	case 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x2800, 0x3164, 0xffa0, 0xfffc, 0xfffd:
		return true
	}
	return r != ' ' && unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Zs, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs, unicode.Variation_Selector) && r != ' '
}

// textKey is the key of a text, which applications decode first if the config
// says so.
func (t *taker) textKey(value []byte, kid string) (keyset.Key, error) {
	alg := t.ask.Spec.Algorithm
	if alg == "" {
		alg = keyset.HS256
		t.once(Note{Code: GuessedText, Name: string(alg)})
	}
	switch {
	case !alg.Symmetric():
		return keyset.Key{}, &Refusal{Code: NeedsPair, Name: string(alg)}
	case len(value) > maxText:
		return keyset.Key{}, &Refusal{Code: TooLarge, Have: len(value), Want: maxText}
	case !utf8.Valid(value) || bytes.IndexByte(value, 0) >= 0:
		return keyset.Key{}, &Refusal{Code: Binary}
	}
	material, encoding := value, keyset.Encoding("")
	if t.ask.Spec.AsBytes {
		encoding = t.ask.Spec.Encoding
		if encoding == "" {
			encoding = keyset.Base64URL
		}
		var err error
		if material, err = decode(encoding, string(value)); err != nil || encoding.Encode(material) != string(value) {
			return keyset.Key{}, &Refusal{Code: OtherEncoding, Name: string(encoding)}
		}
	}
	if kid == "" {
		kid = t.drawnKid()
	}
	k, err := keyset.AdoptSymmetric(kid, alg, secret.New(material), encoding)
	if err != nil {
		return k, &Refusal{Code: Unusable}
	}
	return k, nil
}

func decode(e keyset.Encoding, text string) ([]byte, error) {
	switch e {
	case keyset.Base64:
		return base64.StdEncoding.DecodeString(text)
	case keyset.Hex:
		return hex.DecodeString(text)
	}
	return base64.RawURLEncoding.DecodeString(text)
}

// once makes a note that was not made before.
func (t *taker) once(n Note) {
	for _, o := range t.Notes {
		if o.Code == n.Code {
			return
		}
	}
	t.note(n)
}
