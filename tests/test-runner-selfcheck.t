The hg under test is the one that tools/setup_env.py installed, and its Python
is the one that tests are to use

  $ "$PYTHON" -c 'import mercurial, sys; print(sys.prefix != sys.base_prefix)'
  True
  $ case "`command -v hg`" in
  >   */.venv/hg-*/bin/hg) echo ours;;
  >   *) command -v hg;;
  > esac
  ours

This project is installed beside it, not found in the tree

  $ "$PYTHON" -c 'import hgs3; print("site-packages" in hgs3.__file__)'
  True

The top of the tree is above the tests

  $ test -f "$TESTDIR/../hghave_extra.py"
  $ test "$HGS3_ROOT" -ef "$TESTDIR/.."

Our predicates are known, and tell Mercurials apart

  $ "$RUNTESTDIR/hghave" --list-features | grep -E '^(hgs3-|wireprotov2)' | sed 's/:.*//'
  hgs3-ministack
  hgs3-moto
  wireprotov2
  $ "$RUNTESTDIR/hghave" hgs3-moto hgs3-ministack
  $ hg version -q | grep -oE '[0-9]+\.[0-9]+' | head -n 1
  6.0 (wireprotov2 !)
  7.2 (no-wireprotov2 !)
