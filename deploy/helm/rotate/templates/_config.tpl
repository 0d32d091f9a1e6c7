{{/* What the chart reads out of the config. Everything here answers in JSON, since a template answers in text. */}}

{{/* The types of the stores. */}}
{{- define "rotate.storeTypes" -}}
{{- $types := list -}}
{{- range $_, $s := .Values.config.stores -}}{{- $types = append $types $s.type -}}{{- end -}}
{{ $types | uniq | toJson }}
{{- end }}

{{/* The stores in this cluster: name → namespace, and what its objects are. One with a context is another cluster's. */}}
{{- define "rotate.clusterStores" -}}
{{- $found := dict -}}
{{- range $name, $s := .Values.config.stores -}}
{{- if and (eq $s.type "kubernetes") (not $s.context) -}}
{{- $_ := set $found $name (dict "namespace" ($s.namespace | default $.Release.Namespace) "resource" (printf "%ss" ($s.kind | default "Secret" | lower))) -}}
{{- end -}}
{{- end -}}
{{ $found | toJson }}
{{- end }}

{{/* What rotate keeps: namespace → resource → names. A symmetric key's output of the format value has a second Secret, if it has no data key. */}}
{{- define "rotate.objects" -}}
{{- $config := .Values.config -}}
{{- $defaults := $config.defaults | default dict -}}
{{- $stores := include "rotate.clusterStores" . | fromJson -}}
{{- $found := dict -}}
{{- range $name, $key := $config.keys -}}
{{- $key = $key | default dict -}}
{{- $places := list (dict "store" ($key.store | default $defaults.store | default "") "secret" ($key.secret | default (printf "%s-%s" $config.environment $name))) -}}
{{- $algorithm := $key.algorithm | default $defaults.algorithm | default "HS256" -}}
{{- range $o := $key.outputs -}}
{{- $place := dict "store" ($o.store | default "") "secret" ($o.secret | default "") -}}
{{- $places = append $places $place -}}
{{- if and (eq ($o.format | default "keyset") "value") (not $o.data_key) (or (eq $algorithm "opaque") (hasPrefix "HS" $algorithm)) -}}
{{- $places = append $places (dict "store" $place.store "secret" (printf "%s.previous" $place.secret)) -}}
{{- end -}}
{{- end -}}
{{- range $places -}}
{{- $store := get $stores .store -}}
{{- if $store -}}
{{- $of := get $found $store.namespace | default dict -}}
{{- $_ := set $of $store.resource (append (get $of $store.resource | default list) .secret | uniq | sortAlpha) -}}
{{- $_ := set $found $store.namespace $of -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{ $found | toJson }}
{{- end }}

{{/* What rotate may roll out by `after`: namespace → resource → names. */}}
{{- define "rotate.rollouts" -}}
{{- $stores := include "rotate.clusterStores" . | fromJson -}}
{{- $found := dict -}}
{{- range $name, $key := .Values.config.keys -}}
{{- range $o := ($key | default dict).outputs -}}
{{- $namespace := (get $stores ($o.store | default "") | default dict).namespace -}}
{{- $workload := ($o.after | default dict).kubernetes | default "" -}}
{{- if and $namespace $workload -}}
{{- $resource := printf "%ss" (splitList "/" $workload | first) -}}
{{- $of := get $found $namespace | default dict -}}
{{- $_ := set $of $resource (append (get $of $resource | default list) (splitList "/" $workload | last) | uniq | sortAlpha) -}}
{{- $_ := set $found $namespace $of -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{ $found | toJson }}
{{- end }}

{{/* The stores in Vault that log in with a token of the service account. */}}
{{- define "rotate.vaultLogins" -}}
{{- $found := list -}}
{{- range $name, $s := .Values.config.stores -}}
{{- if and (eq $s.type "vaultkv") (eq (($s.auth | default dict).method | default "") "kubernetes") -}}
{{- $found = append $found $name -}}
{{- end -}}
{{- end -}}
{{ $found | toJson }}
{{- end }}

{{/* Ports of addresses in the config, such as Vault's 8200. */}}
{{- define "rotate.ports" -}}
{{- $urls := list -}}
{{- range $_, $s := .Values.config.stores -}}{{- $urls = concat $urls (list $s.address $s.endpoint) -}}{{- end -}}
{{- range $_, $to := (.Values.config.notify | default dict).to -}}{{- $urls = append $urls $to.url -}}{{- end -}}
{{- $found := list -}}
{{- range $url := $urls -}}
{{- $port := regexFind ":[0-9]+$" (regexReplaceAll "^[a-z]+://([^/]*).*$" ($url | default "") "${1}") | trimPrefix ":" -}}
{{- if $port -}}{{- $found = append $found ($port | int) -}}
{{- else if hasPrefix "http://" ($url | default "") -}}{{- $found = append $found 80 -}}
{{- end -}}
{{- end -}}
{{ concat (list 443 6443) $found (.Values.networkPolicy.ports) | uniq | toJson }}
{{- end }}

{{/* Where the daemon answers to others than its own pod: name, port, scheme, and what it serves. */}}
{{- define "rotate.listeners" -}}
{{- $listen := .Values.config.listen | default (printf ":%v" .Values.port) -}}
{{- if not (kindIs "slice" $listen) -}}{{- $listen = list $listen -}}{{- end -}}
{{- $found := list -}}
{{- range $listen -}}
{{- $l := . -}}
{{- if kindIs "string" . -}}{{- $l = dict "address" . -}}{{- end -}}
{{- if not (regexMatch "^(unix:|localhost:|127\\.|\\[::1\\])" $l.address) -}}
{{- $name := "http" -}}
{{- if $found -}}{{- $name = printf "http-%d" (len $found) -}}{{- end -}}
{{- $port := regexFind "[0-9]+$" $l.address | int -}}
{{- $found = append $found (dict "name" $name "port" $port "scheme" (ternary "HTTPS" "HTTP" (hasKey $l "tls")) "serve" ($l.serve | default (list "probes" "keys" "reports"))) -}}
{{- end -}}
{{- end -}}
{{ $found | toJson }}
{{- end }}

{{/* The first of these that serves a set. Call it with a dict: root, set. */}}
{{- define "rotate.serving" -}}
{{- $first := dict -}}
{{- range include "rotate.listeners" .root | fromJsonArray -}}
{{- if and (not $first) (has $.set .serve) -}}{{- $first = . -}}{{- end -}}
{{- end -}}
{{ $first | toJson }}
{{- end }}

{{/* Files that its addresses need. */}}
{{- define "rotate.listenFiles" -}}
{{- $found := list -}}
{{- $listen := .Values.config.listen | default list -}}
{{- if kindIs "map" $listen -}}{{- $listen = list $listen -}}{{- end -}}
{{- if kindIs "slice" $listen -}}
{{- range $listen -}}
{{- if kindIs "map" . -}}
{{- range $file := list .token_file (.tls | default dict).cert_file -}}{{- if $file -}}{{- $found = append $found $file -}}{{- end -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{ $found | toJson }}
{{- end }}

{{/* The config as the pods get it: a login in Vault takes the token that is made for it. */}}
{{- define "rotate.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- range include "rotate.vaultLogins" . | fromJsonArray -}}
{{- $auth := (get $config.stores .).auth -}}
{{- if not $auth.jwt_file -}}{{- $_ := set $auth "jwt_file" "/var/run/secrets/vault/token" -}}{{- end -}}
{{- end -}}
{{ toYaml $config }}
{{- end }}

{{/* Files that the config writes: the pod's root is read-only. */}}
{{- define "rotate.writes" -}}
{{- $found := list -}}
{{- range $name, $s := .Values.config.stores -}}
{{- if eq $s.type "file" -}}{{- $found = append $found (printf "config.stores.%s" $name) -}}{{- end -}}
{{- end -}}
{{- range $name, $key := .Values.config.keys -}}
{{- range $o := ($key | default dict).outputs -}}
{{- if $o.path -}}{{- $found = append $found (printf "config.keys.%s: the output %s" $name $o.path) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if (.Values.config.audit | default dict).file -}}{{- $found = append $found "config.audit.file" -}}{{- end -}}
{{ $found | toJson }}
{{- end }}

{{/* What no schema can tell; all of it is told at once. */}}
{{- define "rotate.check" -}}
{{- $wrong := list -}}
{{- if not .Values.image.repository -}}
{{- $wrong = append $wrong "image.repository is not set; such as: --set image.repository=registry.example.com/rotate (make image builds the image)" -}}
{{- end -}}
{{- if and (eq .Values.mode "daemon") (not (include "rotate.serving" (dict "root" . "set" "probes") | fromJson)) -}}
{{- $wrong = append $wrong "config.listen has no address at which the kubelet can probe; such as: {address: \":9798\", serve: [probes]}" -}}
{{- end -}}
{{- if and .Values.podMonitor.enabled (not (include "rotate.serving" (dict "root" . "set" "reports") | fromJson)) -}}
{{- $wrong = append $wrong "podMonitor.enabled is set, and config.listen has no address at which Prometheus can read; such as: {address: \":9799\", serve: [reports]}" -}}
{{- end -}}
{{- if and (has "azurekv" (include "rotate.storeTypes" . | fromJsonArray)) (gt (include "rotate.replicas" . | int) 1) -}}
{{- $wrong = append $wrong "replicas is more than 1, and a store is in Azure Key Vault, which compares nothing when it writes; leave replicas out, or set 1" -}}
{{- end -}}
{{- if not .Values.volumeMounts -}}
{{- range include "rotate.writes" . | fromJsonArray -}}
{{- $wrong = append $wrong (printf "%s writes a file, and the pod's root is read-only; add volumes and volumeMounts for its folder, or leave it out" .) -}}
{{- end -}}
{{- end -}}
{{- if not .Values.volumeMounts -}}
{{- range include "rotate.listenFiles" . | fromJsonArray -}}
{{- $wrong = append $wrong (printf "config.listen: %s is not in the pod; add volumes and volumeMounts for its folder" .) -}}
{{- end -}}
{{- end -}}
{{- $defaults := .Values.config.defaults | default dict -}}
{{- range $name, $key := .Values.config.keys -}}
{{- $store := ($key | default dict).store | default $defaults.store -}}
{{- if not $store -}}
{{- $wrong = append $wrong (printf "config.keys.%s has no store; add one of: %s" $name (keys $.Values.config.stores | sortAlpha | join ", ")) -}}
{{- else if not (hasKey $.Values.config.stores $store) -}}
{{- $wrong = append $wrong (printf "config.keys.%s: there is no store %s; stores has: %s" $name $store (keys $.Values.config.stores | sortAlpha | join ", ")) -}}
{{- end -}}
{{- range $o := ($key | default dict).outputs -}}
{{- if and $o.store (not (hasKey $.Values.config.stores $o.store)) -}}
{{- $wrong = append $wrong (printf "config.keys.%s: an output names the store %s; stores has: %s" $name $o.store (keys $.Values.config.stores | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range .Values.now.keys -}}
{{- if not (hasKey $.Values.config.keys .) -}}
{{- $wrong = append $wrong (printf "now.keys: there is no key %s in config.keys" .) -}}
{{- end -}}
{{- end -}}
{{- if $wrong -}}
{{- fail (printf "\n\nrotate: %d of the values cannot work:\n- %s\n" (len $wrong) (join "\n- " $wrong)) -}}
{{- end -}}
{{- end }}
