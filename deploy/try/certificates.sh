#!/bin/sh
# Creates an authority and a certificate for the host names in the compose file, new at each start, and INSTANCE_SECRET,
# once.
set -eu
cd /certificates
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 -subj "/CN=mx-session-bff trial"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout peers.key -out peers.csr -subj /CN=peers \
  -addext "subjectAltName=DNS:peers,DNS:localhost"
openssl x509 -req -in peers.csr -CA ca.pem -CAkey ca.key -copy_extensions copy -days 30 -out peers.pem
[ -s instance_secret ] || openssl rand -base64 48 | tr -d '\n' >instance_secret
chmod 0644 ca.pem peers.pem peers.key instance_secret # Of no worth outside of this trial; its reader is another user.
rm ca.key peers.csr
