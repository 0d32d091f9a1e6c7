package config

import (
	"reflect"
	"regexp"
	"testing"

	"github.com/keyrotate/rotate/internal/stores/builtin"
)

// Values of options that can hold a credential or key material are shown in no mistake. A
// new option of such a name has to say masked:"true".
func TestOptionsThatCanHoldMaterialAreMasked(t *testing.T) {
	risky := regexp.MustCompile(`(^|_)(secret|token|password|key|url|template|prefix|exec|address|endpoint|vault|cloud)$|(^|_)(secret|token|password|jwt|key|url|template)_file$`)
	harmless := map[string]string{
		"listenOptions address": "a host and a port", "data_key": "the name of a data key", "key": "the name of a key of the config", "kms_key": "the name or ARN of a key that encrypts", "customer_managed_key": "the name of one",
	}
	seen := 0
	var walk func(reflect.Type, map[reflect.Type]bool)
	walk = func(typ reflect.Type, done map[reflect.Type]bool) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || done[typ] {
			return
		}
		done[typ] = true
		for f := range typ.Fields() {
			name := regexp.MustCompile(`^[^,]*`).FindString(f.Tag.Get("yaml"))
			if risky.MatchString(name) && harmless[name] == "" && harmless[typ.Name()+" "+name] == "" {
				seen++
				if f.Tag.Get("masked") != "true" {
					t.Errorf("%s of %s can hold a secret and is not masked", name, typ)
				}
			}
			walk(f.Type, done)
		}
	}
	done := map[reflect.Type]bool{}
	walk(reflect.TypeFor[document](), done)
	for _, fresh := range builtin.Types() {
		walk(reflect.TypeOf(fresh.New()), done)
	}
	if seen < 12 {
		t.Errorf("only %d such options were found", seen)
	}
}
