package main

import (
	"github.com/spf13/cobra"

	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/internal/usage"
	"github.com/keyrotate/rotate/rotation/keyset"
)

func (a *app) generateCommand() *cobra.Command {
	var s keygen.Spec
	var algorithm, encoding string
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Print one fresh secret; nothing is stored",
		Example: `  rotate generate                                     32 random bytes, base64url: python's secrets.token_urlsafe
  rotate generate --encoding base64                   openssl rand -base64 32
  rotate generate --encoding hex --bytes 64           node's crypto.randomBytes(64).toString('hex')
  rotate generate --algorithm opaque --prefix sk_     an API key
  rotate generate --algorithm ES256                   a private key in PEM`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var err error
			if s.Algorithm, err = algorithmOf(algorithm); err != nil {
				return err
			}
			s.Encoding = keyset.Encoding(encoding)
			if err := s.Validate(); err != nil {
				return &usage.Error{Msg: err.Error()}
			}
			text, err := s.Text()
			if err != nil {
				return err
			}
			return a.print(text.Reveal(), true)
		},
	}
	f := cmd.Flags()
	f.StringVar(&algorithm, "algorithm", string(keyset.HS256), "what the secret is for")
	f.StringVar(&encoding, "encoding", "", "of a symmetric key: base64url, base64 or hex (default base64url)")
	f.IntVar(&s.Bytes, "bytes", 0, "random bytes of a symmetric key (default the algorithm's least)")
	f.StringVar(&s.Prefix, "prefix", "", "before an opaque secret's text")
	f.IntVar(&s.Bits, "bits", 0, "of an RSA key: 2048, 3072 or 4096 (default 3072)")
	return cmd
}
