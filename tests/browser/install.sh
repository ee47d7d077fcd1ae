#!/bin/sh
# Puts Debian's Chromium and a Chinese font on the machine if they are missing and this user may install them.
command -v chromium >/dev/null 2>&1 && fc-list :lang=zh 2>/dev/null | grep -q . && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing Chromium and Chinese fonts for the browser tests"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk fontconfig >/dev/null
else
    echo "no Chromium here and no right to install it: the browser tests will be skipped"
fi
command -v chromium >/dev/null 2>&1 || [ -z "$CI" ]
