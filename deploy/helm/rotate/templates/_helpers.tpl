{{/* The names and labels of everything. */}}
{{- define "rotate.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* At most 40 characters: names of CronJobs have at most 52, and parts are added. */}}
{{- define "rotate.fullname" -}}
{{- $name := include "rotate.name" . -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "rotate.selector" -}}
app.kubernetes.io/name: {{ include "rotate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "rotate.labels" -}}
{{ include "rotate.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | trimAll "-_." | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "rotate.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (ternary (include "rotate.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "rotate.image" -}}
{{- $i := .Values.image -}}
{{- if and $i.digest (not $i.tag) -}}
{{ $i.repository }}@{{ $i.digest }}
{{- else -}}
{{ $i.repository }}:{{ $i.tag | default .Chart.AppVersion }}{{ with $i.digest }}@{{ . }}{{ end }}
{{- end -}}
{{- end }}

{{/* How many daemons: Key Vault compares nothing when it writes, so there it is one. */}}
{{- define "rotate.replicas" -}}
{{- $azure := has "azurekv" (include "rotate.storeTypes" . | fromJsonArray) -}}
{{- if kindIs "invalid" .Values.replicas -}}{{ ternary 1 2 $azure }}{{- else -}}{{ .Values.replicas }}{{- end -}}
{{- end }}
