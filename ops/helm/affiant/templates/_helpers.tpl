{{- define "affiant.name" -}}
{{- default .Release.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "affiant.selector" -}}
app.kubernetes.io/name: affiant
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "affiant.labels" -}}
{{ include "affiant.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "affiant.image" -}}
{{- $image := .Values.image -}}
{{- $repository := required "image.repository: push the image of ops/images/Dockerfile to a registry of yours and name it here" $image.repository -}}
{{- if $image.digest -}}
{{ $repository }}@{{ $image.digest }}
{{- else -}}
{{ $repository }}:{{ required "image.tag or image.digest must name a version; there is no floating default" $image.tag }}
{{- end -}}
{{- end -}}

{{/* The configuration with what the chart decides: addresses inside the pod, and a drain that fits the grace period. */}}
{{- define "affiant.config" -}}
{{- if not .Values.config }}{{ fail "config: paste the configuration file of distributed mode here (docs/reference/configuration.md)" }}{{ end -}}
{{- range $section := list "kafka" "clickhouse" "postgres" "redis" "object_store" }}
{{- if not (hasKey $.Values.config $section) }}{{ fail (printf "config.%s is missing: this chart runs distributed mode" $section) }}{{ end -}}
{{- end }}
{{- if hasKey .Values.config "source" }}{{ fail "config.source must not be set: each pod is a source of its own, named after it" }}{{ end -}}
{{- $server := dict "host" "0.0.0.0" "gateway_port" 8480 "console_port" 8481 "metrics_port" 8483 "drain_timeout" (printf "%ds" (int .Values.drainSeconds)) -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.config) (dict "server" $server)) -}}
{{- end -}}

{{- define "affiant.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "affiant.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end -}}

{{/* Takes a list of Secret names. */}}
{{- define "affiant.secretVolume" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
{{- range . }}
      - secret: { name: {{ . }} }
{{- end }}
{{- end -}}
