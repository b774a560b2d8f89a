#!/usr/bin/env bash
# What people write today: one certificate after the other with openssl, and one ldapmodify each. It works as long as nobody
# else writes the user at the same time; it is here to be measured, not to be used.
#   by-hand.sh <ldaps-url> <bind-name> <password-file> <folder> <dn>,,<account>,,<machine>…     trust: LDAPTLS_CACERT
set -euo pipefail
url=$1 bind=$2 password=$3 folder=$4
shift 4

ldap() { local tool=$1; shift; "$tool" -x -H "$url" -D "$bind" -y "$password" "$@"; }
# shellcheck disable=SC2059 # the escapes are made here
le32() { printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $((($1 >> 8) & 255)))\\x$(printf %02x $((($1 >> 16) & 255)))\\x$(printf %02x $((($1 >> 24) & 255)))"; }

register() {
  local dn=$1 account=$2 machine=$3 path count=0
  path=$folder/${account//\\/_}-$machine
  openssl rand -hex 16 > "$path.pass"
  openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 2920 -subj "/CN=[${account/\\/\\/}, $machine]" \
    -keyout "$path.key" -out "$path.pem" 2> /dev/null
  openssl pkcs12 -export -inkey "$path.key" -in "$path.pem" -passout "file:$path.pass" -out "$path.pfx"
  rm "$path.key"
  openssl x509 -in "$path.pem" -outform DER -out "$path.cer"
  openssl dgst -md5 -binary "$path.cer" > "$path.md5"

  ldap ldapsearch -LLL -o ldif-wrap=no -b "$dn" -s base mSMQSignCertificates |
    sed -n 's/^mSMQSignCertificates:: //p' | base64 -d > "$path.old"
  [ ! -s "$path.old" ] || count=$(od -An -tu4 -N4 "$path.old")
  {
    le32 $((count + 1))
    tail -c +5 "$path.old"
    cat "$path.md5"
    openssl rand 16
    le32 "$(stat -c %s "$path.cer")"
    cat "$path.cer"
  } > "$path.blob"
  ldap ldapmodify > /dev/null << LDIF
dn: $dn
changetype: modify
replace: mSMQSignCertificates
mSMQSignCertificates:: $(base64 -w0 "$path.blob")
-
add: mSMQDigests
mSMQDigests:: $(base64 -w0 "$path.md5")
-
LDIF
  rm "$path".{pem,md5,old,blob}
}

for each in "$@"; do
  IFS=$'\t' read -r dn account machine <<< "${each//,,/$'\t'}"
  register "$dn" "$account" "$machine"
done
