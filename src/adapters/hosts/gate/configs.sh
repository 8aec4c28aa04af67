# --- settings ------------------------------------------------------------------------------------------------------
# The files that an agent reads its settings from, and the last ones it lived well with, which are kept here, on its host:
# they may hold keys. Nothing of what stands in them is ever sent, but hashes, and where one cannot be read.

max_settings=1048576

# A part for each: `config KEY`, its hash or -, that of the last good one or -, whether it was last written before the agent's
# process began (before after unknown), and `FORM WORD LINE COLUMN`.
verb_configs() { # ID
  [ $# -eq 1 ] && is_id "$1" || { refuse 'configs takes an id'; return; }
  load_agent "$1" || { refuse 'no such agent was declared'; return; }
  hint=
  survey "$a_paths" "$a_socket"
  find_process
  find_good_folder || good=
  stat_files "$a_configs" -L
  vc_key=0
  IFS=$nl
  for vc_file in $a_configs; do
    sight_config "$vc_file"
    reply part "config $vc_key$nl${hash:--}$nl${good_hash:--}$nl$since$nl$form"
    vc_key=$((vc_key + 1))
  done
  reply ok ''
}

sight_config() { # FILE: hash good_hash since form
  hash= good_hash= since=unknown form='unknown none 0 0'
  if [ -n "$good" ]; then
    sum_of "$1"
    if [ -f "$good/$sum" ]; then hash_of "$good/$sum" && good_hash=$hash; fi
  fi
  hash=
  stat_of "$1" && [ $st_type = file ] && [ "$st_size" -le $max_settings ] && hash_of "$1" || return
  if [ $f_kind = alive ] && proc_read "$f_pid" && [ -n "$p_start" ]; then
    if is_older_than_process "$st_mtime"; then since=before; else since=after; fi
  fi
  form_of "$1"
}

is_older_than_process() { # MS: whether that was before the process read last began
  IFS=' .' read -r io_s io_cs io_rest </proc/uptime || return
  io_born=$((now - (io_s * 1000 + (1$io_cs - 100) * 10) + p_start * 1000 / ticks))
  [ "$1" -le "$io_born" ]
}

# Where the copies are: of this user alone, named after the paths.
find_good_folder() { # good; status 1 and problem where there is no place
  good=${XDG_STATE_HOME:-${HOME:+$HOME/.local/state}}
  case $good in /*) ;; *)
    problem='there is no home to keep settings in'
    return 1
    ;;
  esac
  good=$good/towerwatch/good/$a_id
}

hash_of() { # FILE: hash; status 1 where it cannot be told
  ho_out=
  if command -v sha256sum >/dev/null; then
    ho_out=$(bounded 5 sha256sum -- "$1" 2>/dev/null)
  elif command -v shasum >/dev/null; then
    ho_out=$(bounded 5 shasum -a 256 -- "$1" 2>/dev/null)
  else
    ho_out=$(bounded 5 openssl dgst -sha256 -r "$1" 2>/dev/null)
  fi
  # Before a name with odd signs in it there is a backslash.
  ho_out=${ho_out#\\}
  ho_out=${ho_out%%[!0-9a-f]*}
  hash=
  [ ${#ho_out} -eq 64 ] || return
  hash=$ho_out
}

# --- whether it can be read ---

form_of() { # FILE, its hash in hash: form
  case $1 in
    *.yaml | *.yml) fo_kind=yaml ;;
    *.json) fo_kind=json ;;
    *.toml) fo_kind=toml ;;
    *) return ;;
  esac
  case $forms in *"$nl$fo_kind $hash "*)
    form=${forms#*"$nl$fo_kind $hash "}
    form=${form%%"$nl"*}
    return
    ;;
  esac
  # What the agent itself reads it with comes first: it may be a link from elsewhere.
  fo_tried=
  if [ -n "$a_program" ]; then
    fo_real=$(readlink -f -- "$a_program" 2>/dev/null) || fo_real=$a_program
    for fo_python in "${a_program%/*}/python" "${fo_real%/*}/python"; do
      [ -x "$fo_python" ] && ask_form "$fo_python" -I -B -c "$form_python" "$fo_kind" "$1" && break
    done
  fi
  if [ -z "$fo_tried" ] && command -v python3 >/dev/null; then ask_form python3 -I -B -c "$form_python" "$fo_kind" "$1"; fi
  if [ -z "$fo_tried" ] && [ $fo_kind = json ] && command -v perl >/dev/null; then ask_form perl -e "$form_perl" "$1"; fi
  # They are looked at again and again and seldom change.
  [ -z "$fo_tried" ] || [ ${#forms} -gt 20000 ] || forms=$forms$fo_kind\ $hash\ $form$nl
}

ask_form() { # WORD…: form and fo_tried; status 1 where that program could not tell
  af_out=$(bounded 5 "$@" 2>/dev/null) || return
  IFS=' '
  set -- $af_out
  IFS=$nl
  [ $# -eq 4 ] && is_number "$3" && is_number "$4" || return
  case $1 in sound | broken) ;; *) return 1 ;; esac
  case $2 in none | syntax | empty | scalar | text) ;; *) return 1 ;; esac
  form="$1 $2 $3 $4" fo_tried=yes
}

# Only the form: nothing is built from it, and no tag of YAML is followed.
form_python='
import sys

kind, path = sys.argv[1:3]


def end(form, word="none", line=0, column=0):
    print(form, word, max(0, int(line or 0)), max(0, int(column or 0)))
    sys.exit(0)


def place(error, text):
    for mark in (getattr(error, "problem_mark", None), getattr(error, "context_mark", None)):
        if mark is not None:
            return mark.line + 1, mark.column + 1
    if getattr(error, "lineno", None) is not None:
        return error.lineno, error.colno
    import re
    found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    if found:
        return found.groups()
    return (text.count("\n") + 1, 0) if "end of document" in str(error) else (0, 0)


with open(path, "rb") as file:
    data = file.read(1048577)
try:
    text = data.decode("utf-8-sig")
except UnicodeDecodeError as error:
    end("broken", "text", data[: error.start].count(b"\n") + 1)
if not text.strip():
    end("broken", "empty")
try:
    if kind == "yaml":
        import yaml

        nodes = [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None]
        if not nodes:
            end("broken", "empty")
        if any(isinstance(node, yaml.ScalarNode) for node in nodes):
            end("broken", "scalar")
    elif kind == "json":
        import json

        if not isinstance(json.loads(text), (dict, list)):
            end("broken", "scalar")
    else:
        import tomllib

        tomllib.loads(text)
except (ImportError, RecursionError, MemoryError):
    sys.exit(1)
except Exception as error:
    end("broken", "syntax", *place(error, text))
end("sound")
'
form_perl='
use JSON::PP;
open(my $file, "<", $ARGV[0]) or exit 1;
binmode $file;
local $/;
my $text = <$file>;
if ($text !~ /\S/) { print "broken empty 0 0"; exit }
if (eval { JSON::PP->new->utf8->decode($text); 1 }) { print "sound none 0 0"; exit }
my ($at) = $@ =~ /offset (\d+)/;
my $before = substr($text, 0, $at // 0);
my $line = 1 + ($before =~ tr/\n//);
$before =~ s/.*\n//s;
printf "broken syntax %d %d", defined $at ? ($line, 1 + length $before) : (0, 0);
'

# --- keeping them, and putting them back ---

# Only what was seen is kept: a file that was changed since the watch looked is not what the agent has lived with.
verb_keep_configs() { # ID ORDER HASH…, a hash or - for each file
  [ $# -ge 2 ] && is_id "$1" || { refuse 'keep-configs takes an id, an order and hashes'; return; }
  load_agent "$1" || { refuse 'no such agent was declared'; return; }
  begin_settings "$2" || return
  shift 2
  kc_hashes=$*
  if ! find_good_folder; then
    fail check "$problem"
  elif [ $o_kind = dry ]; then
    reply ok "would be kept in $good"
  else
    keep_settings
  fi
  end_act
}

begin_settings() { # ORDER; status 1 after it was refused
  read_order "$1" || {
    refuse "$problem"
    return 1
  }
  begin_act "$1" "settings $a_configs" "the settings of $a_id"
}

keep_settings() {
  if ! (umask 077 && mkdir -p "$good") 2>/dev/null || ! chmod 700 "$good" 2>/dev/null; then
    fail check "the folder $good cannot be made"
    return
  fi
  # All are copied, then all are renamed: one that fails leaves those of before together.
  ks_new=
  IFS=' '
  set -- $kc_hashes
  IFS=$nl
  for ks_file in $a_configs; do
    ks_hash=${1--}
    [ $# -eq 0 ] || shift
    [ "$ks_hash" != - ] || continue
    sum_of "$ks_file"
    rm -f "$good/$sum.new"
    if ! (umask 077 && set -C && bounded 5 cat -- "$ks_file" >"$good/$sum.new") 2>/dev/null || ! hash_of "$good/$sum.new"; then
      fail check "$ks_file could not be copied to $good"
      rm -f "$good/$sum.new"
      return
    fi
    if [ "$hash" != "$ks_hash" ]; then
      rm -f "$good/$sum.new"
      refuse "$ks_file was changed meanwhile"
      return
    fi
    ks_new=$ks_new$sum$nl
  done
  IFS=$nl
  for sum in $ks_new; do
    if ! mv -f "$good/$sum.new" "$good/$sum"; then
      fail check "what was copied to $good could not be renamed"
      return
    fi
  done
  reply ok "kept in $good"
}

# The answer: a line for each file that was put back.
verb_roll_back_configs() { # ID ORDER
  [ $# -eq 2 ] && is_id "$1" || { refuse 'roll-back-configs takes an id and an order'; return; }
  load_agent "$1" || { refuse 'no such agent was declared'; return; }
  begin_settings "$2" || return
  if find_good_folder; then roll_back; else fail check "$problem"; fi
  end_act
}

roll_back() {
  rb_done= rb_failed=
  IFS=$nl
  for rb_file in $a_configs; do
    sum_of "$rb_file"
    [ -f "$good/$sum" ] && hash_of "$good/$sum" || continue
    rb_good=$hash rb_sum=$sum hash=
    hash_of "$rb_file"
    [ "$hash" != "$rb_good" ] || continue
    if [ $o_kind = dry ]; then
      rb_done="$rb_done$rb_file$nl"
      continue
    fi
    if ! put_back "$rb_file" "$good/$rb_sum" "$rb_good"; then
      rb_failed=yes
      break
    fi
    rb_done="$rb_done$rb_file$nl"
  done
  if [ -n "$rb_failed" ]; then
    fail check "$problem${rb_done:+; put back already: $(printf '%s' "$rb_done" | tr '\n' ' ')}"
  else
    reply ok "${rb_done%"$nl"}"
  fi
}

# Whoever opens it sees the one or the other, never half of one, and finds mode and owner as they were.
put_back() { # FILE COPY HASH-OF-COPY; status 1 and problem
  pb_target=$1 pb_was=$hash
  # A link goes on pointing where it points.
  if [ -L "$1" ]; then pb_target=$(readlink -f -- "$1") && [ -n "$pb_target" ] || pb_target=$1; fi
  pb_new=$pb_target.towerwatch-new
  problem="$pb_target could not be put back: this user may not write in ${pb_target%/*}"
  rm -f "$pb_new" 2>/dev/null
  if [ -e "$pb_target" ]; then
    # Copied for its mode and owner, then filled anew; it may have been deployed read-only.
    bounded 5 cp -p -- "$pb_target" "$pb_new" 2>/dev/null || return 1
    pb_mode=$(mode_of "$pb_target")
    pb_owner=$(owner_of "$pb_target")
    if [ "$(owner_of "$pb_new")" != "$pb_owner" ]; then
      rm -f "$pb_new"
      problem="$pb_target could not be put back: it belongs to another user, and would be ours then"
      return 1
    fi
    chmod u+rw "$pb_new" 2>/dev/null
  else
    pb_mode=600
    (umask 077 && : >"$pb_new") 2>/dev/null || return 1
  fi
  if ! bounded 5 cat -- "$2" >"$pb_new" 2>/dev/null || ! chmod "$pb_mode" "$pb_new" || ! hash_of "$pb_new" || [ "$hash" != "$3" ]; then
    rm -f "$pb_new"
    return 1
  fi
  if [ -n "$pb_was" ]; then
    pb_aside=$pb_target.rejected-${pb_was%"${pb_was#????????}"}
    rm -f "$pb_aside"
    ln -- "$pb_target" "$pb_aside" 2>/dev/null || bounded 5 cp -p -- "$pb_target" "$pb_aside" 2>/dev/null || {
      rm -f "$pb_new"
      problem="$pb_target was not put back: what stands there could not be kept as $pb_aside"
      return 1
    }
  fi
  bounded 5 sync "$pb_new" >/dev/null 2>&1
  mv -f -- "$pb_new" "$pb_target" 2>/dev/null
}

mode_of() { # FILE: in octal
  case $stat_kind in bsd) stat -f %Lp -- "$1" ;; *) stat -c %a -- "$1" ;; esac 2>/dev/null </dev/null
}

owner_of() { # FILE: uid:gid
  case $stat_kind in bsd) stat -f %u:%g -- "$1" ;; *) stat -c %u:%g -- "$1" ;; esac 2>/dev/null </dev/null
}

# It was not the settings after all. They are told by their hashes, for others may have been put aside before.
verb_put_back_configs() { # ID ORDER HASH…, that of the one put aside or - for each file
  [ $# -ge 2 ] && is_id "$1" || { refuse 'put-back-configs takes an id, an order and hashes'; return; }
  load_agent "$1" || { refuse 'no such agent was declared'; return; }
  read_order "$2" || { refuse "$problem"; return; }
  begin_act "$2" "settings again $a_configs" "the settings of $a_id" || return
  shift 2
  pc_done= pc_hashes=$*
  IFS=' '
  set -- $pc_hashes
  IFS=$nl
  problem=
  for pc_file in $a_configs; do
    pc_hash=${1--}
    [ $# -eq 0 ] || shift
    [ "$pc_hash" != - ] || continue
    pc_target=$pc_file
    if [ -L "$pc_file" ]; then pc_target=$(readlink -f -- "$pc_file") && [ -n "$pc_target" ] || pc_target=$pc_file; fi
    pc_aside=$pc_target.rejected-${pc_hash%"${pc_hash#????????}"}
    if ! hash_of "$pc_aside" || [ "$hash" != "$pc_hash" ]; then
      problem="$pc_aside is not there any more"
    elif [ $o_kind = really ] && ! mv -f -- "$pc_aside" "$pc_target" 2>/dev/null; then
      problem="$pc_aside could not be put back: this user may not write in ${pc_target%/*}"
    else
      pc_done="$pc_done$pc_file$nl"
    fi
  done
  if [ -n "$problem" ]; then fail check "$problem"; else reply ok "${pc_done%"$nl"}"; fi
  end_act
}
