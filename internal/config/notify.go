package config

import (
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"github.com/keyrotate/rotate/internal/keygen"
	"github.com/keyrotate/rotate/internal/notify"
	"github.com/keyrotate/rotate/internal/strictyaml"
	"github.com/keyrotate/rotate/rotation"
	"github.com/keyrotate/rotate/rotation/keyset"
)

// A notifySection says who is told what happens to keys.
type notifySection struct {
	Ahead     strictyaml.Option[time.Duration] `yaml:"ahead" doc:"How long before it is due a rotation is told of, such as 7d; not at all if not set."`
	Heartbeat heartbeatSection                 `yaml:"heartbeat" doc:"A ping for as long as every key is well, for a service that raises an alarm when pings stay away."`
	To        map[string]receiverSection       `yaml:"to" doc:"Who is told, by names of your own."`
}

// A heartbeatSection is where a ping goes.
type heartbeatSection struct {
	URLFile strictyaml.Option[string]        `yaml:"url_file" masked:"true" doc:"A file that holds the address, from this file's folder."`
	Every   strictyaml.Option[time.Duration] `yaml:"every" default:"5m" doc:"How often, from 1m to 24h."`
}

// A receiverSection is one who is told.
type receiverSection struct {
	URL     strictyaml.Option[string]        `yaml:"url" masked:"true" doc:"Address that events are posted to, if it is no secret."`
	URLFile strictyaml.Option[string]        `yaml:"url_file" masked:"true" doc:"A file that holds the address, from this file's folder; it is read again for each call."`
	Format  strictyaml.Option[notify.Format] `yaml:"format" default:"cloudevents" doc:"What is posted: cloudevents, slack (also for Mattermost, and for Discord with /slack after its address) or teams."`
	Sign    signSection                      `yaml:"sign" doc:"The secret that signs what is posted, by Standard Webhooks."`
	Exec    strictyaml.Option[[]string]      `yaml:"exec" masked:"true" doc:"A program by its absolute path, and its arguments; it gets the event on standard input. Instead of an address."`
	Timeout strictyaml.Option[time.Duration] `yaml:"timeout" default:"15s" doc:"How long one call, or the program, may take: 1s to 5m."`
	Only    strictyaml.Option[[]notify.Kind] `yaml:"only" doc:"The kinds of events that it is told of; all if not set."`
}

// A signSection is where secrets of Standard Webhooks are.
type signSection struct {
	File strictyaml.Option[string] `yaml:"secret_file" masked:"true" doc:"A file that holds whsec_ and base64, from this file's folder; it is read again for each call."`
	Next strictyaml.Option[string] `yaml:"next_secret_file" masked:"true" doc:"The same of the secret that comes next, which signs as well where the file exists."`
	Key  strictyaml.Option[string] `yaml:"key" doc:"Name of one of the keys, in place of files: opaque, with the prefix whsec_ and the encoding base64."`
}

// notify takes the section. It comes after the keys, one of which may sign.
func (r *resolver) notify(s notifySection) {
	n := &r.config.Notify
	n.Ahead = s.Ahead.Value
	if s.Ahead.At.Known() && !s.Ahead.Bad && n.Ahead < time.Minute {
		r.Fail(s.Ahead.At, "7d is usual", "ahead is less than a minute")
	}
	r.heartbeat(s.Heartbeat)
	for _, name := range slices.Sorted(maps.Keys(s.To)) {
		path := strictyaml.Join(strictyaml.Join("notify", "to"), name)
		r.checkName(strictyaml.Join("notify", "to"), name)
		if name == notify.Ping {
			r.Fail(r.SetAt(path), "give it another name", "is what the heartbeat is called in metrics and logs")
		}
		n.Receivers = append(n.Receivers, r.receiver(name, s.To[name], r.SetAt(path)))
	}
	if s.Ahead.At.Known() && len(s.To) == 0 && !r.Lacks("notify") {
		r.Fail(s.Ahead.At, "such as: to: {chat: {format: slack, url_file: ./chat.url}}", "nobody is told: notify has no to")
	}
}

func (r *resolver) heartbeat(s heartbeatSection) {
	if !s.URLFile.At.Known() && !s.Every.At.Known() {
		return
	}
	r.presets(&s)
	if !s.URLFile.At.Known() && !s.URLFile.Bad {
		r.Fail(s.Every.At, "such as: heartbeat: {url_file: ./heartbeat.url}", "a heartbeat has no url_file")
	}
	r.between(s.Every, time.Minute, 24*time.Hour)
	r.config.Notify.Heartbeat = notify.Heartbeat{Address: notify.Address{File: r.pathOf(s.URLFile)}, Every: s.Every.Value}
}

// receiver fills one in.
func (r *resolver) receiver(name string, s receiverSection, at strictyaml.Place) notify.Receiver {
	r.presets(&s)
	r.between(s.Timeout, time.Second, 5*time.Minute)
	to := notify.Receiver{Name: name, Only: s.Only.Value, Timeout: s.Timeout.Value, Format: s.Format.Value, Exec: s.Exec.Value}
	to.Address = notify.Address{URL: s.URL.Value, File: r.pathOf(s.URLFile)}
	switch ways := known(s.URL.At, s.URLFile.At, s.Exec.At); {
	case s.URL.Bad || s.URLFile.Bad || s.Exec.Bad:
	case len(ways) == 0:
		r.Fail(at, "add url_file:, url: or exec:", "has no address and no program")
	case len(ways) > 1:
		r.Fail(ways[1], "keep one of url, url_file and exec", "there is another way to tell it already")
	case s.Exec.At.Known():
		r.program(s.Exec)
		r.onlyWith(at, "a program gets CloudEvents on its standard input, unsigned", s.Format.At, s.Sign.File.At, s.Sign.Next.At, s.Sign.Key.At)
	case s.URL.At.Known():
		r.address(name, s)
	}
	to.Sign = r.signing(name, s, to.Format)
	return to
}

// known are those places that are.
func known(places ...strictyaml.Place) []strictyaml.Place {
	return slices.DeleteFunc(places, func(p strictyaml.Place) bool { return !p.Known() })
}

// address refuses one that holds, or is, a secret.
func (r *resolver) address(name string, s receiverSection) {
	const hint = "write the address into a file that only rotate can read, and name it with url_file:"
	u, err := url.Parse(s.URL.Value)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		r.Fail(s.URL.At, "such as: url: https://hooks.example.com/rotate", "is not a URL")
	case s.Format.Value != notify.CloudEvents:
		r.Fail(s.URL.At, hint, "whoever knows the address of a chat's webhook can write there: it is a secret")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		r.Fail(s.URL.At, hint, "an address with a user, a ? or a # may hold a secret")
	case notify.InTheClear(u):
		r.config.Notes = append(r.config.Notes, fmt.Sprintf("notify: %s: http:// to another host: whoever is on the way can read what is told", name))
	}
}

// program holds the program against what a process can be started with.
func (r *resolver) program(o strictyaml.Option[[]string]) {
	if !o.Bad && (len(o.Value) == 0 || !filepath.IsAbs(o.Value[0])) {
		r.Fail(o.At, "such as: exec: [/usr/local/bin/tell, --team, ops]; no shell reads it", "does not begin with the absolute path of a program")
	}
}

// signing takes the secrets of a receiver.
func (r *resolver) signing(name string, s receiverSection, f notify.Format) notify.Signing {
	from := s.Sign
	set := known(from.File.At, from.Next.At, from.Key.At)
	switch {
	case len(set) == 0 && s.URL.Value+s.URLFile.Value != "" && f == notify.CloudEvents:
		r.config.Notes = append(r.config.Notes, fmt.Sprintf("notify: %s: nothing shows this receiver who has sent what it gets; sign: has a secret do that", name))
	case len(set) > 0 && f != notify.CloudEvents:
		r.Fail(set[0], "a chat checks no signature: leave sign out", "does not belong here")
	case from.Key.At.Known():
		r.onlyWith(from.Key.At, "keep one of key and secret_file", from.File.At, from.Next.At)
		r.signingKey(from.Key)
	case len(set) > 0 && !from.File.At.Known() && !from.File.Bad:
		r.Fail(from.Next.At, "add secret_file:", "there is no secret before the next one")
	}
	return notify.Signing{File: r.pathOf(from.File), Next: r.pathOf(from.Next), Key: from.Key.Value}
}

// signingKey holds a key against what Standard Webhooks takes for a secret.
func (r *resolver) signingKey(o strictyaml.Option[string]) {
	if _, ok := r.doc.Keys[o.Value]; !ok {
		if !r.Lacks("keys") {
			r.Fail(o.At, strictyaml.DidYouMean(o.Value, slices.Sorted(maps.Keys(r.doc.Keys))), "there is no key %s", strictyaml.Quote(o.Value))
		}
		return
	}
	i := slices.IndexFunc(r.config.Keys, func(k Key) bool { return k.Name == o.Value })
	if i >= 0 && !signsWebhooks(r.config.Keys[i].Spec) { // a key that is refused is not among them
		r.Fail(o.At, "give that key: algorithm: opaque, prefix: whsec_, encoding: base64", "a secret of Standard Webhooks is whsec_ and the base64 of %d to %d bytes, which this key's texts are not", notify.LeastSecret, notify.MostSecret)
	}
}

func signsWebhooks(s keygen.Spec) bool {
	size := s.Bytes
	if size == 0 {
		size = s.Algorithm.MinBytes()
	}
	return s.Algorithm == keyset.Opaque && s.Prefix == notify.SecretPrefix && s.Encoding == keyset.Base64 && size >= notify.LeastSecret && size <= notify.MostSecret
}

// between holds a duration against its range.
func (r *resolver) between(o strictyaml.Option[time.Duration], least, most time.Duration) {
	if !o.Bad && (o.Value < least || o.Value > most) {
		r.Fail(o.At, "", "takes %s to %s", rotation.Duration(least), rotation.Duration(most))
	}
}

// presets fills what a section does not set from its tags.
func (r *resolver) presets(section any) {
	v := reflect.ValueOf(section).Elem()
	for i := range v.NumField() {
		o, ok := v.Field(i).Addr().Interface().(strictyaml.Optional)
		if text := v.Type().Field(i).Tag.Get("default"); ok && text != "" && !o.Place().Known() && !o.Refused() {
			r.preset(text, reflect.ValueOf(o.Target()).Elem())
		}
	}
}
