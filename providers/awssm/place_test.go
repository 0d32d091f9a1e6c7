package awssm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Where a key lives is where its calls go, whatever named it; and one place has one name.
func TestWhereCallsGo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	must(t, os.WriteFile(file, []byte("[default]\nregion = eu-west-3\n[profile local]\nregion = eu-west-2\nendpoint_url = https://Profile.example.com:443/\n"), 0o600))
	const vendor = "AWS Secrets Manager, "
	for _, c := range []struct {
		conf Config
		env  map[string]string
		want string
	}{
		{Config{Region: "eu-west-1"}, nil, "eu-west-1, a"},
		{Config{}, map[string]string{"AWS_REGION": "eu-west-1"}, "eu-west-1, a"},
		{Config{}, nil, "eu-west-3, a"},
		{Config{Region: "eu-west-1", Endpoint: "https://secretsmanager.eu-west-1.amazonaws.com/"}, nil, "eu-west-1, a"},
		{Config{Region: "eu-west-1", Endpoint: "https://VPCE.example.com:443/"}, nil, "https://vpce.example.com, eu-west-1, a"},
		{Config{Region: "eu-west-1"}, map[string]string{"AWS_ENDPOINT_URL": "https://vpce.example.com"}, "https://vpce.example.com, eu-west-1, a"},
		{Config{Region: "eu-west-1"}, map[string]string{"AWS_ENDPOINT_URL": "https://x.example.com", "AWS_ENDPOINT_URL_SECRETS_MANAGER": "https://vpce.example.com"}, "https://vpce.example.com, eu-west-1, a"},
		{Config{Region: "eu-west-1"}, map[string]string{"AWS_ENDPOINT_URL": "https://x.example.com", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, "eu-west-1, a"},
		{Config{Profile: "local"}, nil, "https://profile.example.com, eu-west-2, local, a"},
		{Config{Region: "eu-west-1"}, map[string]string{"AWS_ENDPOINT_URL": "https://u:canary@x.example.com"}, "eu-west-1, a"}, // Open refuses it
	} {
		for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"} {
			t.Setenv(name, c.env[name])
		}
		t.Setenv("AWS_CONFIG_FILE", file)
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
		if got := c.conf.Where("a"); got != vendor+c.want {
			t.Errorf("%+v with %v: %q, want %q", c.conf, c.env, got, vendor+c.want)
		}
	}
	for _, insecure := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER"} {
		t.Run(insecure, func(t *testing.T) {
			t.Setenv("AWS_CONFIG_FILE", file)
			t.Setenv(insecure, "http://plain.example.com")
			if _, err := (&Config{Region: "eu-west-1"}).Open(t.Context()); err == nil || !strings.Contains(err.Error(), "http://") {
				t.Errorf("%v, want it refused", err)
			}
		})
	}
	takes, rule := (&Config{}).NameRule()
	if takes("arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-AbCdEf") || !strings.Contains(rule, "of an ARN give the name alone") {
		t.Errorf("of ARNs the rule says %q", rule)
	}
}
