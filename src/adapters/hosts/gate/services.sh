# --- services ----------------------------------------------------------------------------------------------------

# Declared ahead of the first agent, as V:id v:kind w:value…; kept one a line, its words apart by tabs. What the watch lets
# into a value is checked here again: a word of it is never more than an argument of its own.
declare_service() { # a line V:, v: or w: of the declaration
  ds_value=${1#?:}
  case $1 in
    V:*)
      end_service
      ds_id=$ds_value ds_kind= ds_values=
      is_id "$ds_id" || problem='the id of a service is malformed'
      case $nl$services in *"$nl$ds_id$tab"*) problem='a service is declared twice' ;; esac
      ;;
    v:unit | v:launchd | v:process | v:tcp | v:http) ds_kind=$ds_value ;;
    w:-* | w: | w:*[!A-Za-z0-9:/?\&=%._~#@!,+-]*) problem="$ds_id: a value of the service is malformed" ;;
    w:*) ds_values=$ds_values$tab$ds_value ;;
    *) problem="$ds_id: a line of the service is malformed" ;;
  esac
}

end_service() { # of the one that is being declared
  [ -n "$ds_id" ] || return 0
  IFS=$tab
  set -- $ds_values
  case $ds_kind in
    unit | launchd) [ $# -eq 2 ] && case $2 in system | user) ;; *) false ;; esac ;;
    process) [ $# -eq 1 ] ;;
    tcp) [ $# -eq 2 ] && is_number "$2" ;;
    http) { [ $# -eq 1 ] || { [ $# -eq 2 ] && is_number "$2"; }; } && case $1 in http://?* | https://?*) ;; *) false ;; esac ;;
    *) false ;;
  esac || problem="$ds_id: the declaration of the service is incomplete"
  services=$services$ds_id$tab$ds_kind$ds_values$nl
  # What all of them say, and the disks, has to find room in a pipe that nobody reads meanwhile.
  service_count=$((service_count + 1))
  [ $service_count -le 150 ] || problem='more than 150 services are declared'
  case $ds_kind in process) ;; *) [ $service_lanes -ge 8 ] || service_lanes=$((service_lanes + 1)) ;; esac
  ds_id=
}

# Few at once: each costs the host a process or two. Those of a lane are asked one after the other; of who is not asked in
# time no line comes, which the watch takes for not known.
ask_services() { # LANE
  as_turn=0
  IFS=$nl
  for as_service in $services; do
    IFS=$tab
    set -- "$1" $as_service
    IFS=' '
    [ "$3" != process ] || continue
    if [ $as_turn = "$1" ]; then
      s_id=$2 s_state=unknown s_detail=
      case $3 in
        unit) ask_unit "$4" "$5" ;;
        launchd) ask_job "$4" "$5" ;;
        tcp) ask_port "$4" "$5" ;;
        http) ask_url "$4" "${5-}" ;;
      esac
      printf '%s service %s %s %.150s\n' "$probe_number" "$s_id" "$s_state" "${s_detail##*"$nl"}"
    fi
    as_turn=$(((as_turn + 1) % 8))
  done
}

ask_unit() { # UNIT SCOPE
  if ! command -v systemctl >/dev/null; then
    s_detail='this host has no systemctl'
    return
  fi
  if [ "$2" = user ]; then
    au_out=$(XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)} && export XDG_RUNTIME_DIR && bounded 3 systemctl --user show "$unit_words" -- "$1" 2>&1)
  else
    au_out=$(bounded 3 systemctl show "$unit_words" -- "$1" 2>&1)
  fi
  au_status=$?
  if is_late $au_status; then
    s_detail='systemctl did not answer in 3 s'
    return
  fi
  au_active=${au_out##*ActiveState=}
  au_active=${au_active%%"$nl"*}
  au_sub=${au_out##*SubState=}
  au_sub=${au_sub%%"$nl"*}
  case $au_status=$au_out in
    0=*LoadState=not-found*) s_state=down s_detail='there is no such unit' ;;
    0=*ActiveState=active* | 0=*ActiveState=reloading*) s_state=up s_detail="$au_active ($au_sub)" ;;
    0=*ActiveState=*) s_state=down s_detail="$au_active ($au_sub)" ;;
    *) s_detail=$au_out ;;
  esac
}
unit_words=--property=LoadState,ActiveState,SubState

ask_job() { # LABEL SCOPE
  if ! command -v launchctl >/dev/null; then
    s_detail='this host has no launchctl'
    return
  fi
  if [ "$2" = system ]; then
    aj_out=$(bounded 3 launchctl print "system/$1" 2>&1)
  else
    # Of the desktop, where somebody sits there; else of the account.
    aj_out=$(bounded 3 launchctl print "gui/$(id -u)/$1" 2>&1 || bounded 3 launchctl print "user/$(id -u)/$1" 2>&1)
  fi
  aj_status=$?
  case $aj_status=$aj_out in
    0=*'state = running'*) s_state=up s_detail=running ;;
    0=*) s_state=down s_detail='loaded, and not running' ;;
    113=*) s_state=down s_detail='there is no such job' ;;
    *) s_detail=$aj_out ;;
  esac
}

is_late() { # STATUS of what was bounded
  case $1 in 124 | 137 | 143) ;; *) return 1 ;; esac
}

ask_port() { # ADDRESS PORT
  for ap_tool in bash perl python3 nc none; do
    case $ap_tool in
      none)
        s_detail='this host has none of bash, perl, python3 and nc to ask with'
        return
        ;;
    esac
    command -v $ap_tool >/dev/null || continue
    case $ap_tool in
      bash) ap_out=$(bounded 3 bash -c 'exec 3<>"/dev/tcp/$1/$2"' tcp "$1" "$2" 2>&1) ;;
      perl) ap_out=$(bounded 3 perl -e "$port_perl" "$1" "$2" 2>&1) ;;
      python3) ap_out=$(bounded 3 python3 -I -c "$port_python" "$1" "$2" 2>&1) ;;
      nc) ap_out=$(bounded 3 nc -w 2 "$1" "$2" 2>&1) ;;
    esac
    ap_status=$?
    # nc gives up a connection that does not come about after two seconds: one that lasts until it is ended is one.
    if [ $ap_tool = nc ] && is_late $ap_status; then ap_status=0; fi
    case $ap_tool=$ap_status=$ap_out in
      # A bash that was built without it, a perl or python that lacks its modules.
      bash=1=*'No such file'* | *=3=*) continue ;;
      *=0=*) s_state=up s_detail='it takes connections' ;;
      *) s_state=down && said_by $ap_status "$ap_out" ;;
    esac
    return
  done
}

said_by() { # STATUS OUTPUT: why there was no answer, into s_detail
  if is_late "$1"; then
    s_detail='no answer in 3 s'
    return
  fi
  s_detail=${2##*"$nl"}
  s_detail=${s_detail##*: }
  [ -n "$s_detail" ] || s_detail='no connection'
}

port_perl='
  eval { require IO::Socket::IP; 1 } or exit 3;
  exit 0 if IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => $ARGV[1], Type => 1, Timeout => 2);
  print "$@";
  exit 1;
'
port_python='
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 2).close()
except OSError as error:
    print(error.strerror or error)
    sys.exit(1)
'

# What it answers counts, not what it sends after that: a redirection is not followed. Proxies of the account are passed by.
ask_url() { # URL [STATUS]
  unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
  for ur_tool in curl wget perl python3 none; do
    case $ur_tool in
      none)
        s_detail='this host has none of curl, wget, perl and python3 to ask with'
        return
        ;;
    esac
    command -v $ur_tool >/dev/null || continue
    ur_out= ur_code=
    case $ur_tool in
      curl)
        ur_out=$(bounded 4 curl -q -g -s -S -m 3 -A towerwatch -o /dev/null -w 'HTTP/1 %{http_code}' --url "$1" 2>&1)
        ur_status=$?
        ;;
      wget)
        # That of busybox knows few options, and can die of others.
        case $(bounded 2 wget --version 2>/dev/null) in
          *GNU*) ur_out=$(bounded 4 wget -q -S -O /dev/null -T 3 -t 1 --max-redirect=0 -U towerwatch -- "$1" 2>&1) ;;
          *) ur_out=$(bounded 3 wget -q -S -O /dev/null -U towerwatch -- "$1" 2>&1) ;;
        esac
        ur_status=$?
        ;;
      perl)
        ur_out=$(bounded 3 perl -e "$url_perl" "$1" 2>&1)
        ur_status=$?
        ;;
      python3)
        ur_out=$(bounded 4 python3 -I -c "$url_python" "$1" 2>&1)
        ur_status=$?
        ;;
    esac
    [ $ur_status -ne 3 ] || [ $ur_tool = curl ] || [ $ur_tool = wget ] || continue
    # The first answer: that of busybox follows redirections all the same.
    case $ur_out in *HTTP/[0-9]*' '*)
      ur_code=${ur_out#*HTTP/}
      ur_code=${ur_code#* }
      ur_code=${ur_code%%[!0-9]*}
      ur_out=${ur_out%%HTTP/*}
      ;;
    esac
    judge_answer "$ur_status" "${2-}"
    return
  done
}

judge_answer() { # STATUS [EXPECTED] of ur_code and ur_out
  case $ur_code in
    [1-9][0-9][0-9]) ;;
    *)
      s_state=down
      said_by "$1" "${ur_out%"$nl"}"
      return
      ;;
  esac
  if [ "${2:-$ur_code}" = "$ur_code" ] && { [ -n "${2-}" ] || { [ "$ur_code" -ge 200 ] && [ "$ur_code" -lt 400 ]; }; }; then
    s_state=up s_detail="it answers $ur_code"
  else
    s_state=down s_detail="it answers $ur_code, not ${2:-200 to 399}"
  fi
}

# Without TLS, and with nothing but what comes with perl itself.
url_perl='
  my ($host, $port, $path) = $ARGV[0] =~ m{^http://(?:[^/?#@]*@)?(\[[^\]/]+\]|[^/:?#]+)(?::(\d+))?([^#]*)} or exit 3;
  eval { require IO::Socket::IP; 1 } or exit 3;
  (my $peer = $host) =~ s/^\[|\]$//g;
  my $s = IO::Socket::IP->new(PeerHost => $peer, PeerPort => $port || 80, Type => 1, Timeout => 2) or do { print "$@"; exit 1 };
  $path = "/$path" unless $path =~ m{^/};
  my $at = $port ? "$host:$port" : $host;
  print $s "GET $path HTTP/1.0\r\nHost: $at\r\nUser-Agent: towerwatch\r\nConnection: close\r\n\r\n";
  $s->flush;
  my $answer = <$s>;
  print defined $answer && $answer =~ m{^HTTP/\S+ \d+} ? $answer : "it does not speak HTTP";
'
url_python='
import http.client, sys, urllib.parse
try:
    url = urllib.parse.urlsplit(sys.argv[1])
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    asked = kind(url.netloc.rpartition("@")[2], timeout=2)
    asked.request("GET", (url.path or "/") + ("?" + url.query if url.query else ""), headers={"User-Agent": "towerwatch"})
    print("HTTP/1 %d" % asked.getresponse().status)
except (OSError, http.client.HTTPException, ValueError) as error:
    print(getattr(error, "strerror", None) or error or "it does not speak HTTP")
    sys.exit(1)
'
