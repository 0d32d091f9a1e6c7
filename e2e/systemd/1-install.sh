# From the package to the first rotation, by the page's own words.
begun_at=$SECONDS
as_page Install
same inactive property rotate.service ActiveState || die "the package starts something by itself"
as_page "Name your keys and start"
same active property rotate.service ActiveState || die "the daemon is not active"
test -n "$(kid current)" || die "no key signs after the start"
as_page "Rotate by hand"
test -n "$(kid next)" || die "a rotation by hand has published no next key"
as_page "Watch a whole rotation in seconds"
test -n "$(kid previous)" || die "no key was replaced"
took=$((SECONDS - begun_at))
test "$took" -le 120 || die "from the package to a whole rotation: $took s, want 120 at most"
ok "from the package to the first whole rotation: $took s"
within 30 "the previous key is removed" no_previous
ok "the previous key is gone after its grace"
