# Reload, watchdog, SIGKILL, stop.
pid=$(property rotate.service MainPID)
config=$(inside cat /etc/rotate/rotate.yaml)
as_page "Change the config"
echo "keys: {auth-jwt: {stroe: disk}}" | configure
if inside systemctl reload rotate >"$work/reload" 2>&1; then die "a bad config: the reload does not fail"; fi
cat "$work/reload"
well() { ! refused; }
refused() { property rotate.service StatusText | grep -q 'refused'; }
within 10 "the state tells that the config is refused" refused
said rotate.service 3 "the config is refused" || die "no line about the refusal, with priority err"
inside systemctl --no-pager -n 0 status rotate
configure <<<"$config"
inside systemctl reload rotate
within 10 "the state is well again" well
same "$pid" property rotate.service MainPID || die "a reload starts another daemon"
ok "reload: a good config is taken, a bad one fails and the daemon goes on"

inside mkdir -p /run/systemd/system/rotate.service.d
inside tee /run/systemd/system/rotate.service.d/watchdog.conf <<<$'[Service]\nWatchdogSec=8s' >/dev/null
inside systemctl daemon-reload
inside systemctl restart rotate
pid=$(property rotate.service MainPID)
sleep 10 # longer than the watchdog's time
same "$pid" property rotate.service MainPID || die "a daemon that is well was killed by the watchdog"
inside bash -c "kill -STOP $pid"
within 40 "a daemon that hangs is replaced" replaced "$pid"
said rotate.service 4 "Watchdog timeout" || said rotate.service 3 "Watchdog timeout" || die "no line about the watchdog"
inside rm /run/systemd/system/rotate.service.d/watchdog.conf
inside systemctl daemon-reload
inside systemctl restart rotate
ok "watchdog: a daemon that is well stays, one that hangs is replaced"

before=$(kid current)
pid=$(property rotate.service MainPID)
inside bash -c "kill -KILL $pid"
within 30 "a daemon that was killed is replaced" replaced "$pid"
same "$before" kid current || die "the key is another after SIGKILL"
ok "SIGKILL: started again, with the same key"

# A config that is refused at the start is not tried again and again.
echo "keys: {}" | configure
if inside systemctl restart rotate 2>"$work/restart"; then die "starts with a bad config"; fi
cat "$work/restart"
same failed property rotate.service ActiveState || die "a bad config is tried again and again"
said rotate.service 3 "rotate.yaml" || die "no line about the bad config, with priority err"
configure <<<"$config"
inside systemctl restart rotate
ok "a bad config fails the start, once"

begin=$(date +%s%N)
inside systemctl stop rotate
took=$((($(date +%s%N) - begin) / 1000000))
test "$took" -lt 5000 || die "stopping took $took ms, want 5000 at most"
same success property rotate.service Result || die "the daemon failed to stop"
said rotate.service 6 "rotate has stopped" || die "no line about the stop"
inside systemctl start rotate
ok "stopped in $took ms"
