{{/*
The spec of every pod. Call it with a dict: root, args, and what only some have:
ports and probes of the daemon (daemon), variables (env), restart ("Never" or nothing).
*/}}
{{- define "rotate.pod" -}}
{{- $root := .root -}}
{{- $v := $root.Values -}}
{{- $vault := include "rotate.vaultLogins" $root | fromJsonArray -}}
serviceAccountName: {{ include "rotate.serviceAccount" $root }}
{{- with .restart }}
restartPolicy: {{ . }}
{{- end }}
# The token for the API server: only where the config keeps Secrets in this cluster.
automountServiceAccountToken: {{ gt (len (include "rotate.clusterStores" $root | fromJson)) 0 }}
enableServiceLinks: false
terminationGracePeriodSeconds: 10 # rotate stops within 5
{{- with $v.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
containers:
- name: rotate
  image: {{ include "rotate.image" $root | quote }}
  imagePullPolicy: {{ $v.image.pullPolicy }}
  args: {{ toYaml .args | nindent 2 }}
  {{- with concat (.env | default list) $v.env }}
  env: {{ toYaml . | nindent 2 }}
  {{- end }}
  {{- if .daemon }}
  {{- $probe := include "rotate.serving" (dict "root" $root "set" "probes") | fromJson }}
  ports:
  {{- range include "rotate.listeners" $root | fromJsonArray }}
  - {name: {{ .name }}, containerPort: {{ .port }}}
  {{- end }}
  livenessProbe: # the scheduler answers
    httpGet: {path: /healthz, port: {{ $probe.name }}, scheme: {{ $probe.scheme }}}
    periodSeconds: 20
    timeoutSeconds: 5
    failureThreshold: 3
  readinessProbe: # every key was read once, or its failure is known
    httpGet: {path: /readyz, port: {{ $probe.name }}, scheme: {{ $probe.scheme }}}
    periodSeconds: 5
    timeoutSeconds: 5
  {{- end }}
  resources: {{ toYaml $v.resources | nindent 4 }}
  securityContext:
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities: {drop: [ALL]}
  volumeMounts:
  - {name: config, mountPath: /etc/rotate, readOnly: true}
  {{- if $vault }}
  - {name: vault-token, mountPath: /var/run/secrets/vault, readOnly: true}
  {{- end }}
  {{- with $v.volumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumes:
- name: config
  configMap: {name: {{ include "rotate.fullname" $root }}}
{{- if $vault }}
- name: vault-token
  projected:
    sources:
    - serviceAccountToken:
        path: token
        expirationSeconds: 3600
        {{- with $v.identity.vault.audience }}
        audience: {{ . | quote }}
        {{- end }}
{{- end }}
{{- with $v.volumes }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- with $v.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $v.tolerations }}
tolerations: {{ toYaml . | nindent 0 }}
{{- end }}
{{- with $v.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $v.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end }}

{{/* The metadata of a pod: root, and component, which tells daemons, which serve, from Jobs, which do not. */}}
{{- define "rotate.podMeta" -}}
{{- $root := .root -}}
{{- $v := $root.Values -}}
labels: # without versions: a chart that is only newer restarts nothing
  {{- include "rotate.selector" $root | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
  {{- if $v.identity.azure.clientId }}
  azure.workload.identity/use: "true"
  {{- end }}
  {{- with $v.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/config: {{ include "rotate.config" $root | sha256sum }}
  {{- $reports := include "rotate.serving" (dict "root" $root "set" "reports") | fromJson }}
  {{- if and (eq .component "daemon") (not $v.podMonitor.enabled) $reports }}
  prometheus.io/scrape: "true"
  prometheus.io/port: {{ $reports.port | quote }}
  {{- if eq $reports.scheme "HTTPS" }}
  prometheus.io/scheme: https
  {{- end }}
  {{- end }}
  {{- with $v.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
