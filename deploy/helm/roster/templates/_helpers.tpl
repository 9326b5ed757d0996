{{- define "roster.name" -}}
{{- .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* What all objects of this release begin with. */}}
{{- define "roster.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What tells the pods of this release from others. */}}
{{- define "roster.selector" -}}
app.kubernetes.io/name: {{ include "roster.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "roster.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "roster.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "roster.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{/* Of every pod: not root, and no right to anything. */}}
{{- define "roster.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  # Secrets belong to root, and are for this group to read.
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "roster.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  privileged: false
  capabilities:
    drop: [ALL]
{{- end -}}

{{/* Where the tables of .service are. */}}
{{- define "roster.databaseEnv" -}}
{{- $secret := get .root.Values.database.urlSecrets .service | default .root.Values.database.urlSecret -}}
- name: ROSTER__DATABASE__URL
  valueFrom:
    secretKeyRef:
      name: {{ $secret.name }}
      key: {{ $secret.key }}
{{- end -}}

{{/* The settings of .service. */}}
{{- define "roster.env" -}}
{{- $values := .root.Values -}}
{{- $fullname := include "roster.fullname" .root -}}
{{- $stores := ne .service "gateway" -}}
- name: ROSTER__LOG__FORMAT
  value: json
- name: ROSTER__METRICS_LISTEN
  value: 0.0.0.0:9090
- name: ROSTER__METRICS_ALLOW_REMOTE
  value: "true"
- name: ROSTER__SERVER__DRAIN_SECONDS
  value: {{ $values.drainSeconds | quote }}
- name: ROSTER__TELEMETRY__INSTANCE_ID
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- with $values.otlpEndpoint }}
- name: ROSTER__TELEMETRY__OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end }}
- name: ROSTER__PEERS__CERTIFICATE
  value: /etc/roster/certificate/tls.crt
- name: ROSTER__PEERS__KEY
  value: /etc/roster/certificate/tls.key
- name: ROSTER__PEERS__AUTHORITY
  value: /etc/roster/certificate/ca.crt
- name: ROSTER__PEERS__TRUST_DOMAIN
  value: {{ $values.certificates.trustDomain }}
{{- range $peer := list "identity" "session" "persona" }}
- name: ROSTER__PEERS__{{ upper $peer }}
  value: {{ printf "%s-%s%s:8443" $fullname $peer ($.suffix | default "") }}
{{- end }}
{{- if $stores }}
- name: ROSTER__PEERS__LISTEN
  value: 0.0.0.0:8443
- name: ROSTER__PEERS__ASSERTION_KEYS
  value: /etc/roster/assertion/assertion.public
- name: ROSTER__SECRETS_FILE
  value: /etc/roster/secrets/secrets.toml
{{ include "roster.databaseEnv" . }}
- name: ROSTER__EVENTS__SERVERS
  value: {{ join "," $values.events.servers | quote }}
- name: ROSTER__EVENTS__REPLICAS
  value: {{ $values.events.replicas | quote }}
- name: ROSTER__EVENTS__USER
  value: {{ .service }}
- name: ROSTER__EVENTS__PASSWORD_FILE
  value: /etc/roster/events/password
{{- if $values.events.caConfigMap }}
- name: ROSTER__EVENTS__TLS__CA
  value: /etc/roster/events-authority/ca.crt
- name: ROSTER__EVENTS__TLS__REQUIRED
  value: "true"
{{- end }}
{{- else }}
- name: ROSTER__LISTEN
  value: 0.0.0.0:8080
- name: ROSTER__PEERS__ASSERTION_KEY
  value: /etc/roster/assertion/assertion.secret
{{- if $values.gateway.tlsSecret }}
- name: ROSTER__TLS__CERTIFICATE
  value: /etc/roster/tls/tls.crt
- name: ROSTER__TLS__KEY
  value: /etc/roster/tls/tls.key
{{- else }}
- name: ROSTER__ALLOW_PLAINTEXT
  value: {{ $values.gateway.allowPlaintext | quote }}
{{- end }}
{{- with $values.gateway.trustedProxies }}
- name: ROSTER__SERVER__TRUSTED_PROXIES
  value: {{ join "," . | quote }}
{{- end }}
{{- end }}
{{- $own := mergeOverwrite (deepCopy $values.env) (get $values.services .service).env }}
{{- range $name, $value := $own }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* What .service reads, and nothing else. */}}
{{- define "roster.mounts" -}}
- {name: certificate, mountPath: /etc/roster/certificate, readOnly: true}
- {name: assertion, mountPath: /etc/roster/assertion, readOnly: true}
{{- if ne .service "gateway" }}
- {name: secrets, mountPath: /etc/roster/secrets, readOnly: true}
- {name: events, mountPath: /etc/roster/events, readOnly: true}
{{- if .root.Values.events.caConfigMap }}
- {name: events-authority, mountPath: /etc/roster/events-authority, readOnly: true}
{{- end }}
{{- if .root.Values.database.caConfigMap }}
- {name: database-authority, mountPath: /etc/roster/database, readOnly: true}
{{- end }}
{{- else if .root.Values.gateway.tlsSecret }}
- {name: tls, mountPath: /etc/roster/tls, readOnly: true}
{{- end }}
{{- end -}}

{{- define "roster.volumes" -}}
{{- $values := .root.Values -}}
- name: certificate
  secret:
    secretName: {{ get $values.certificates.secrets .service }}
    {{- /* 0400: not every reader of YAML takes that for octal. */}}
    defaultMode: 256
{{- if ne .service "gateway" }}
- name: assertion
  configMap:
    name: {{ $values.assertion.publicConfigMap }}
- name: secrets
  secret:
    secretName: {{ $values.secrets.name }}
    defaultMode: 256
- name: events
  secret:
    secretName: {{ get $values.events.passwordSecrets .service }}
    defaultMode: 256
{{- with $values.events.caConfigMap }}
- name: events-authority
  configMap:
    name: {{ . }}
{{- end }}
{{- with $values.database.caConfigMap }}
- name: database-authority
  configMap:
    name: {{ . }}
{{- end }}
{{- else }}
- name: assertion
  secret:
    secretName: {{ $values.assertion.secret }}
    defaultMode: 256
{{- with $values.gateway.tlsSecret }}
- name: tls
  secret:
    secretName: {{ . }}
    defaultMode: 256
{{- end }}
{{- end }}
{{- end -}}
